// SPDX-License-Identifier: GPL-2.0-only
/* framepool top: samples the counters, and shows them on a terminal or in lines. */
#include <errno.h>
#include <getopt.h>
#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd.h"
#include "terminal.h"
#include "text.h"
#include "top.h"

static const char top_help[] =
	"usage: framepool top [options]\n"
	"\n"
	"Pools and spaces, live: how full, and how many faults, evictions and write-backs a\n"
	"second.\n"
	"\n"
	"  -i, --interval SECONDS   between two looks, 1 to 3600 (default 1)\n"
	"  -s, --sort KEY           r resident, d dirty, f major faults, e evictions,\n"
	"                           w write-backs, n name (default r)\n"
	"  -b, --batch              plain lines, for logs and pipes\n"
	"  -n, --count N            end after so many looks\n"
	"  -h, --help               this\n"
	"\n"
	"Keys: those of --sort; space looks at once; q ends.\n";

struct view {
	int control;
	enum top_order order;
	unsigned int interval, count; /* count 0: for ever */
	bool batch, colour;
	struct top_sample *now, *last; /* last: NULL in the first round */
};

static double clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* 0 or -errno. What there is no room for is left out. */
static int take_sample(int control, struct top_sample *s)
{
	struct framepool_space space;
	struct framepool_pool pool;
	int got;

	s->when = clock_now();
	s->nr_pools = 0;
	s->nr_spaces = 0;
	FRAMEPOOL_INIT(&pool);
	while ((got = framepool_next_pool(control, &pool)) > 0 && s->nr_pools < TOP_POOLS)
		s->pool[s->nr_pools++] = pool;
	FRAMEPOOL_INIT(&space);
	while (got >= 0 && (got = framepool_next_space(control, &space)) > 0 &&
	       s->nr_spaces < TOP_SPACES)
		s->space[s->nr_spaces++] = space;
	return got < 0 ? got : 0;
}

/* The old sample becomes the last one, and its room that of the next. 0 or -errno. */
static int look(struct view *v, struct top_sample room[2])
{
	struct top_sample *next = v->now == &room[0] ? &room[1] : &room[0];
	int err = take_sample(v->control, next);

	if (err)
		return err;
	v->last = v->now;
	v->now = next;
	return 0;
}

static void print_batch(const struct view *v)
{
	unsigned int index[TOP_SPACES], i;
	char line[TOP_LINE];

	puts(top_pool_heading());
	for (i = 0; i < v->now->nr_pools; i++) {
		top_pool_line(line, v->now, v->last, i);
		puts(line);
	}
	puts(top_space_heading());
	top_sort(v->now, v->last, v->order, index);
	for (i = 0; i < v->now->nr_spaces; i++) {
		top_space_line(line, v->now, v->last, index[i]);
		puts(line);
	}
	putchar('\n');
	fflush(stdout);
}

static int run_batch(struct view *v, struct top_sample room[2])
{
	unsigned int round;
	int err;

	for (round = 0; !v->count || round < v->count; round++) {
		if (round)
			sleep(v->interval);
		err = look(v, room);
		if (err)
			return fail("look at", "the pools and spaces", err, NULL);
		print_batch(v);
		if (ferror(stdout)) /* nobody reads any more */
			return EXIT_OK;
	}
	return EXIT_OK;
}

/* How full a pool is decides the colour of its line. */
static int pool_attribute(const struct view *v, const struct framepool_pool *p)
{
	if (!v->colour)
		return A_NORMAL;
	return COLOR_PAIR(p->resident * 10 >= p->bound * 9 ? 2 : 1);
}

static void draw_heading(int y, const char *text)
{
	if (y >= LINES)
		return;
	attron(A_REVERSE);
	mvprintw(y, 0, "%-*.*s", COLS, COLS, text);
	attroff(A_REVERSE);
}

static void draw_pools(const struct view *v, int *y)
{
	char line[TOP_LINE];
	unsigned int i;

	draw_heading((*y)++, top_pool_heading());
	for (i = 0; i < v->now->nr_pools && *y < LINES; i++) {
		top_pool_line(line, v->now, v->last, i);
		attron(pool_attribute(v, &v->now->pool[i]));
		mvaddnstr((*y)++, 0, line, COLS);
		attroff(pool_attribute(v, &v->now->pool[i]));
	}
}

static void draw_spaces(const struct view *v, int y)
{
	unsigned int index[TOP_SPACES], i;
	char line[TOP_LINE];

	top_sort(v->now, v->last, v->order, index);
	for (i = 0; i < v->now->nr_spaces && y < LINES; i++) {
		const struct framepool_space *s = &v->now->space[index[i]];
		int red = v->colour ? COLOR_PAIR(3) : A_NORMAL;
		int attribute = s->write_error ? A_BOLD | red : A_NORMAL;

		top_space_line(line, v->now, v->last, index[i]);
		attron(attribute);
		mvaddnstr(y++, 0, line, COLS);
		attroff(attribute);
	}
	if (!v->now->nr_spaces && y < LINES)
		mvaddnstr(y, 0, "nothing is attached: framepool attach FILE", COLS);
}

static void draw(const struct view *v)
{
	char line[TOP_LINE];
	int y = 0;

	erase();
	snprintf(line, sizeof(line), "framepool: %u pools, %u spaces, by %s, every %u s   "
		 "(r d f e w n sort, space, q)", v->now->nr_pools, v->now->nr_spaces,
		 top_order_name(v->order), v->interval);
	mvaddnstr(y++, 0, line, COLS);
	draw_pools(v, &y);
	y++;
	draw_heading(y++, top_space_heading());
	draw_spaces(v, y);
	refresh();
}

/* Wait for a key until the next look is due. False: the user has seen enough. */
static bool wait_for_key(struct view *v)
{
	double due = v->now->when + v->interval, left;
	int key;

	while ((left = due - clock_now()) > 0) {
		timeout(left * 1000 + 1);
		key = getch();
		if (key == 'q' || key == 'Q' || key == 3)
			return false;
		if (key == ' ')
			return true;
		if (key != ERR && top_order_of(key) != TOP_ORDERS)
			v->order = top_order_of(key);
		if (key != ERR)
			draw(v);
	}
	return true;
}

/* False: this terminal cannot. */
static bool begin_screen(const struct view *v)
{
	SCREEN *screen = newterm(NULL, stdout, stdin);

	if (!screen)
		return false;
	set_term(screen);
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, true);
	if (v->colour && has_colors()) {
		start_color();
		use_default_colors();
		init_pair(1, COLOR_GREEN, -1);
		init_pair(2, COLOR_YELLOW, -1);
		init_pair(3, COLOR_RED, -1);
	}
	return true;
}

static int run_screen(struct view *v, struct top_sample room[2])
{
	unsigned int round;
	int err = 0;

	if (!begin_screen(v)) {
		fprintf(stderr, "framepool: this terminal (TERM=%s) cannot be drawn on. Set TERM, "
			"or use --batch.\n", getenv("TERM") ? getenv("TERM") : "");
		return EXIT_FAILED;
	}
	for (round = 0; !v->count || round < v->count; round++) {
		err = look(v, room);
		if (err)
			break;
		draw(v);
		if (!wait_for_key(v))
			break;
	}
	endwin();
	return err ? fail("look at", "the pools and spaces", err, NULL) : EXIT_OK;
}

static int run(struct view *v)
{
	struct top_sample *room;
	int status = EXIT_OK;

	if (!v->batch && (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO))) {
		fputs("framepool: top needs a terminal. Use --batch for plain lines, or 'framepool "
		      "stat --json' for programs.\n", stderr);
		return EXIT_FAILED;
	}
	v->control = control_open(&status);
	if (v->control < 0)
		return status;
	room = calloc(2, sizeof(*room));
	if (!room)
		status = fail("look at", "the pools and spaces", ENOMEM, NULL);
	else
		status = v->batch ? run_batch(v, room) : run_screen(v, room);
	free(room);
	close(v->control);
	return status;
}

static int top_option(struct view *v, int option, const char *value)
{
	uint64_t number;

	switch (option) {
	case 'i':
		if (!parse_number(value, 10, 3600, &number) || !number)
			return usage_error("'%s' is no number of seconds from 1 to 3600", value);
		v->interval = number;
		return EXIT_OK;
	case 'n':
		if (!parse_number(value, 10, UINT32_MAX, &number) || !number)
			return usage_error("'%s' is no number of looks", value);
		v->count = number;
		return EXIT_OK;
	case 's':
		v->order = value[0] && !value[1] ? top_order_of(value[0]) : TOP_ORDERS;
		if (v->order == TOP_ORDERS)
			return usage_error("'%s' is none of r, d, f, e, w, n", value);
		return EXIT_OK;
	case 'b':
		v->batch = true;
		return EXIT_OK;
	default:
		return usage_hint();
	}
}

int cmd_top(int argc, char **argv)
{
	static const struct option options[] = {
		{ "interval", required_argument, NULL, 'i' },
		{ "sort", required_argument, NULL, 's' },
		{ "batch", no_argument, NULL, 'b' },
		{ "count", required_argument, NULL, 'n' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	struct view v = { .interval = 1, .colour = terminal_colour() };
	int option, status;

	while ((option = getopt_long(argc, argv, "i:s:bn:h", options, NULL)) != -1) {
		if (option == 'h')
			return help(top_help);
		status = top_option(&v, option, optarg);
		if (status)
			return status;
	}
	if (optind != argc)
		return usage_error("top takes no argument");
	return run(&v);
}

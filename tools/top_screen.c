// SPDX-License-Identifier: GPL-2.0-only
/* The live view on a terminal, and the keys that change it. */
#include <errno.h>
#include <ncurses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "text.h"
#include "top_screen.h"
#include "wset.h"

enum { GREEN = 1, YELLOW, RED };

/* How full a pool is decides the colour of its line. */
static int pool_attribute(const struct top_view *v, const struct framepool_pool *p)
{
	if (!v->colour)
		return A_NORMAL;
	return COLOR_PAIR(p->resident * 10 >= p->bound * 9 ? YELLOW : GREEN);
}

static void draw_heading(int y, const char *text)
{
	if (y >= LINES)
		return;
	attron(A_REVERSE);
	mvprintw(y, 0, "%-*.*s", COLS, COLS, text);
	attroff(A_REVERSE);
}

static void draw_line(int y, int attribute, const char *text)
{
	attron(attribute);
	mvaddnstr(y, 0, text, COLS);
	attroff(attribute);
}

static void draw_pools(const struct top_view *v, int *y)
{
	char line[TOP_LINE];
	unsigned int i;

	draw_heading((*y)++, top_pool_heading());
	for (i = 0; i < v->now->nr_pools && *y < LINES; i++) {
		top_pool_line(line, v->now, v->last, i);
		draw_line((*y)++, pool_attribute(v, &v->now->pool[i]), line);
	}
	(*y)++;
}

/* Which row the chosen set is in now. What has gone leaves its row to who comes after it. */
static unsigned int find_chosen(struct top_view *v, const unsigned int *index)
{
	const struct top_sample *s = v->now;
	unsigned int i;

	for (i = 0; i < s->nr_wsets; i++)
		if (top_same_wset(&s->wset[index[i]].counters, &v->chosen))
			return i;
	return v->chosen_row < s->nr_wsets ? v->chosen_row : s->nr_wsets ? s->nr_wsets - 1 : 0;
}

/* The row becomes the chosen one, as far as there is one. */
static void choose(struct top_view *v, const unsigned int *index, unsigned int row)
{
	if (row >= v->now->nr_wsets)
		return;
	v->chosen_row = row;
	v->chosen = v->now->wset[index[row]].counters;
}

/* At most half of the lines that are left, the chosen row among them. */
static void draw_wsets(struct top_view *v, int *y)
{
	unsigned int room = LINES - *y > 4 ? (LINES - *y - 2) / 2 : 1, first, row;
	unsigned int index[TOP_WSETS];
	char line[TOP_LINE];

	top_sort_wsets(v->now, v->last, v->order, index);
	row = find_chosen(v, index);
	if (!v->typing)
		choose(v, index, row);
	first = row < room ? 0 : row - room + 1;
	draw_heading((*y)++, top_wset_heading());
	for (; first < v->now->nr_wsets && room && *y < LINES; first++, room--) {
		top_wset_line(line, v->now, v->last, index[first]);
		draw_line((*y)++, first == row ? A_BOLD | A_UNDERLINE : A_NORMAL, line);
	}
	(*y)++;
}

static void draw_spaces(const struct top_view *v, int y)
{
	unsigned int index[TOP_SPACES], i;
	char line[TOP_LINE];

	draw_heading(y++, top_space_heading());
	top_sort_spaces(v->now, v->last, v->order, index);
	for (i = 0; i < v->now->nr_spaces && y < LINES; i++) {
		const struct framepool_space *s = &v->now->space[index[i]];
		int red = v->colour ? COLOR_PAIR(RED) : A_NORMAL;

		top_space_line(line, v->now, v->last, index[i]);
		draw_line(y++, s->write_error ? A_BOLD | red : A_NORMAL, line);
	}
	if (!v->now->nr_spaces && y < LINES)
		mvaddnstr(y, 0, "nothing is attached: framepool attach FILE", COLS);
}

/* What is typed, or what became of it; else the line stays empty. */
static void draw_message(const struct top_view *v, int *y)
{
	int attribute = v->failed ? A_BOLD | (v->colour ? COLOR_PAIR(RED) : A_NORMAL) : A_NORMAL;
	char max[NUMBER_SIZE];

	if (v->typing) {
		mvprintw(*y, 0, "maximum of process %d in %s (now %s; a size, or none): %s_",
			 v->chosen.pid, v->chosen.name, text_max(max, v->chosen.max),
			 v->entry.text);
	} else {
		attron(attribute);
		mvaddstr(*y, 0, v->message);
		attroff(attribute);
	}
	*y = getcury(stdscr) + 1;
}

static void draw(struct top_view *v)
{
	char line[TOP_LINE];
	int y = 0;

	erase();
	snprintf(line, sizeof(line), "framepool: by %s, every %u s   "
		 "(r d f e w n sort, up down m maximum, space, q)",
		 top_order_name(v->order), v->interval);
	mvaddnstr(y++, 0, line, COLS);
	draw_message(v, &y);
	draw_pools(v, &y);
	draw_wsets(v, &y);
	draw_spaces(v, y);
	refresh();
}

static void say(struct top_view *v, bool failed, const char *text)
{
	snprintf(v->message, sizeof(v->message), "%s", text);
	v->failed = failed;
}

static void begin_typing(struct top_view *v)
{
	if (!v->now->nr_wsets || !v->chosen.pid) {
		say(v, true, "This working set is no process's: choose one with up and down.");
		return;
	}
	v->entry = (struct top_entry){ };
	v->typing = true;
}

/* The chosen set's process may have ended and its number be another's. */
static int set_max(struct top_view *v, const __u64 *max, struct wset_why *why)
{
	const struct framepool_wset *chosen = &v->chosen;
	const struct wset_limits limits = { chosen->name, chosen->pid, NULL, max };
	struct framepool_wset now;

	if (framepool_get_wset(v->control, chosen->name, chosen->pid, &now) ||
	    now.id == chosen->id)
		return wset_limit(v->control, &limits, why);
	wset_explain(v->control, &limits, -ESRCH, why);
	return -ESRCH;
}

static void end_typing(struct top_view *v)
{
	char text[FAIL_SIZE], subject[NUMBER_SIZE];
	struct wset_why why;
	__u64 max;

	if (!parse_max(v->entry.text, &max)) {
		snprintf(text, sizeof(text), "'%s' is no size, such as 16M, and not 'none'",
			 v->entry.text);
		say(v, true, text);
		return;
	}
	snprintf(subject, sizeof(subject), "%d", v->chosen.pid);
	if (set_max(v, &max, &why)) {
		say(v, true, fail_text(text, "limit process", subject, why.error, why.reasons));
		return;
	}
	snprintf(text, sizeof(text), "process %s in %s: maximum %s", subject, v->chosen.name,
		 v->entry.text);
	say(v, false, text);
}

/* True: it is time to look again. */
static bool typed(struct top_view *v, int key)
{
	switch (top_type(&v->entry, key == KEY_ENTER ? '\n' : key == KEY_BACKSPACE ? '\b' : key)) {
	case TOP_TYPED:
		v->typing = false;
		end_typing(v);
		return true;
	case TOP_CANCELLED:
		v->typing = false;
		say(v, false, "unchanged");
		return false;
	default:
		return false;
	}
}

static void move_choice(struct top_view *v, bool up)
{
	unsigned int index[TOP_WSETS], row;

	top_sort_wsets(v->now, v->last, v->order, index);
	row = find_chosen(v, index);
	if (!up || row)
		choose(v, index, up ? row - 1 : row + 1);
}

enum next { WAIT, LOOK, END };

static enum next pressed(struct top_view *v, int key)
{
	if (v->typing)
		return typed(v, key) ? LOOK : WAIT;
	v->message[0] = '\0';
	switch (key) {
	case 'q':
	case 'Q':
		return END;
	case ' ':
		return LOOK;
	case 'm':
		begin_typing(v);
		break;
	case KEY_UP:
	case KEY_DOWN:
		move_choice(v, key == KEY_UP);
		break;
	default:
		if (top_order_of(key) != TOP_ORDERS)
			v->order = top_order_of(key);
	}
	return WAIT;
}

/* Take keys until the next look is due. False: the user has seen enough. */
static bool wait_for_keys(struct top_view *v)
{
	double due = v->now->when + v->interval, left;
	enum next next;
	int key;

	while ((left = due - clock_seconds()) > 0) {
		timeout(left * 1000 + 1);
		key = getch();
		if (key == ERR)
			continue;
		next = pressed(v, key);
		if (next != WAIT)
			return next == LOOK;
		draw(v);
	}
	return true;
}

/* False: this terminal cannot. */
static bool begin_screen(const struct top_view *v)
{
	SCREEN *screen = newterm(NULL, stdout, stdin);

	if (!screen)
		return false;
	set_term(screen);
	cbreak();
	noecho();
	curs_set(0);
	keypad(stdscr, true);
	set_escdelay(50);
	if (v->colour && has_colors()) {
		start_color();
		use_default_colors();
		init_pair(GREEN, COLOR_GREEN, -1);
		init_pair(YELLOW, COLOR_YELLOW, -1);
		init_pair(RED, COLOR_RED, -1);
	}
	return true;
}

int top_screen(struct top_view *v)
{
	unsigned int round;
	int err = 0;

	if (!begin_screen(v)) {
		fprintf(stderr, "framepool: this terminal (TERM=%s) cannot be drawn on. Set TERM, "
			"or use --batch.\n", getenv("TERM") ? getenv("TERM") : "");
		return EXIT_FAILED;
	}
	for (round = 0; !v->count || round < v->count; round++) {
		err = top_look(v);
		if (err)
			break;
		draw(v);
		if (!wait_for_keys(v))
			break;
	}
	endwin();
	return err ? fail("look at", "the pools and spaces", err, NULL) : EXIT_OK;
}

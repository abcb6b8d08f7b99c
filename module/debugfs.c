// SPDX-License-Identifier: GPL-2.0-only
/*
 * debugfs framepool/POOL/: what is going on, to look at.
 *
 *	stats		name value; outside: bytes of memory besides the region
 *	buddyinfo	order, free blocks, fragmentation in permille
 *	bitmap		binary: one bit per frame, 1 = allocated
 *	frames		runs of frames of one state and one owner: FIRST NR STATE SPACE
 *	spaces		a line each
 *	errors		a line for each space: what framepool_errors has
 *	pagetable	each space's table, a line for each entry that is not empty
 *	walk		write "SPACE VPN", then read: the way to the entry of that page, a line
 *			for each level, LEVEL INDEX NODE, from the root as far as there are nodes;
 *			then the entry, if there is one
 *	policy		name, lists, counters, of all working sets together
 *	whatif		what other policies and sizes would miss: counters, then a line for
 *			each, POLICY EIGHTHS MISSES PERMILLE, of the pool's frames and misses;
 *			ENODATA while it is off
 *	curves		a line for each working set that whatif knows: ID USES FIRST, then
 *			what LRU would miss if it had so many eighths of the pool for itself;
 *			at the end "- USES" of those for whom there was no room
 *	working_sets	a line each: what framepool_wset has; write "PID MIN MAX" to limit one,
 *			in frames, MAX "-" for none: as FRAMEPOOL_WSET_LIMIT, with its errors
 *	check		checks every invariant: "ok", or the read fails with EUCLEAN and the log
 *	says why
 *
 * Long files are made in pieces, the lock taken for each piece: what they show is true piece
 * by piece, not as a whole.
 */
#include "debugfs.h"

#include <linux/cpumask.h>
#include <linux/ctype.h>
#include <linux/debugfs.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "errlog.h"
#include "inject.h"
#include "launder.h"
#include "limit.h"
#include "mmset.h"
#include "whatif.h"

/* Frames or entries looked at with the lock held. */
#define PIECE	4096

static struct dentry *root;

/* Memory that a pool takes besides its region, what-ifs and recordings apart. */
static u64 bytes_outside(struct fpool_pool *pool)
{
	size_t stats = num_possible_cpus() * sizeof(struct fpool_stats_cpu);
	u64 bytes = sizeof(*pool) + stats + fpool_mmset_bytes(pool) + fpool_launder_bytes(pool);

	spin_lock(&pool->lock);
	bytes += pool->nspaces * (sizeof(struct fpool_space) + stats) + pool->direct_bytes;
	spin_unlock(&pool->lock);
	return bytes;
}

static int stats_show(struct seq_file *m, void *v)
{
	struct fpool_pool *pool = m->private;
	u32 count[FPOOL_FRAME_NR_STATES], nfree, max;
	unsigned int i;

	spin_lock(&pool->lock);
	memcpy(count, pool->frames.count, sizeof(count));
	nfree = pool->nfree;
	max = pool->resident_max;
	spin_unlock(&pool->lock);
	seq_printf(m, "frames %u\nfree %u\n", pool->region.nframes, nfree);
	for (i = 0; i < FPOOL_FRAME_NR_STATES; i++)
		if (i != FPOOL_FRAME_FREE)
			seq_printf(m, "%s %u\n", fpool_frames_state_name(i), count[i]);
	seq_printf(m, "resident_max %u\nbound %u\nlow %u\nhigh %u\n", max,
		   pool->region.nframes - pool->kernel_frames, pool->low, pool->high);
	for (i = 0; i < FPOOL_NR_STATS; i++)
		seq_printf(m, "%s %llu\n", fpool_stats_name(i), fpool_stats_read(&pool->stats, i));
	seq_printf(m, "outside %llu\n", bytes_outside(pool));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static int buddyinfo_show(struct seq_file *m, void *v)
{
	struct fpool_pool *pool = m->private;
	unsigned int order;

	seq_puts(m, "order kib free fragmentation\n");
	spin_lock(&pool->lock);
	fpool_pool_settle(pool);
	for (order = 0; order < FPOOL_NR_ORDERS; order++)
		seq_printf(m, "%u %u %u %u\n", order, 4U << order, pool->buddy.order[order].nfree,
			   fpool_buddy_fragmentation(&pool->buddy, order));
	seq_printf(m, "splits %llu\nmerges %llu\n", pool->buddy.nsplits, pool->buddy.nmerges);
	spin_unlock(&pool->lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(buddyinfo);

/* Of the policies of all working sets. */
struct policy_sum {
	const char *name;
	u64 evictions, tests;
	u32 list[FPOOL_POLICY_LISTS];
};

static void add_up(struct fpool_wsets *ws, struct policy_sum *sum)
{
	struct fpool_wset *set;
	unsigned int i;

	sum->name = ws->common.policy.ops->name;
	sum->evictions = ws->past_evictions;
	sum->tests = ws->past_tests;
	for (set = fpool_wsets_next(ws, 0); set; set = fpool_wsets_next(ws, set->id + 1)) {
		sum->evictions += set->policy.evictions - set->first;
		sum->tests += set->policy.tests;
		for (i = 0; i < FPOOL_POLICY_LISTS; i++)
			sum->list[i] += set->policy.list[i].len;
	}
}

static int policy_show(struct seq_file *m, void *v)
{
	struct fpool_pool *pool = m->private;
	struct policy_sum sum = {};
	unsigned int i;

	spin_lock(&pool->lock);
	add_up(&pool->wsets, &sum);
	spin_unlock(&pool->lock);
	seq_printf(m, "name %s\ncapacity %u\nevictions %llu\ntests %llu\n", sum.name,
		   pool->wsets.capacity, sum.evictions, sum.tests);
	for (i = 0; i < FPOOL_POLICY_LISTS; i++)
		seq_printf(m, "list%u %u\n", i, sum.list[i]);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(policy);

static void print_whatif(struct seq_file *m, const struct fpool_whatif_report *r)
{
	u32 i;

	seq_printf(m, "sample %u\ncapacity %u\nuses %llu\nfirst %llu\nlooks %llu\nmisses %llu\n",
		   r->sample, r->capacity, r->uses, r->first, r->looks, r->own);
	for (i = 0; i < r->nr; i++)
		seq_printf(m, "%s %u %llu %llu\n", r->row[i].policy, r->row[i].eighths,
			   r->row[i].misses,
			   r->own ? div64_u64(1000 * r->row[i].misses, r->own) : 0);
}

/* A line for each working set: what it would miss if it had so much for itself. */
static void print_curves(struct seq_file *m, const struct fpool_whatif_report *r)
{
	u32 i, k;

	seq_puts(m, "id uses first");
	for (k = 0; k < FPOOL_SHADOW_SIZES; k++)
		seq_printf(m, " %u/%u", fpool_shadow_eighths[k], FPOOL_SHADOW_UNIT);
	seq_putc(m, '\n');
	for (i = 0; i < r->sets; i++) {
		seq_printf(m, "%u %llu %llu", r->set[i].id, r->set[i].uses, r->set[i].first);
		for (k = 0; k < FPOOL_SHADOW_SIZES; k++)
			seq_printf(m, " %llu", r->set[i].misses[k]);
		seq_putc(m, '\n');
	}
	if (r->left_out)
		seq_printf(m, "- %llu\n", r->left_out);
}

static int show_report(struct seq_file *m,
		       void (*print)(struct seq_file *m, const struct fpool_whatif_report *r))
{
	struct fpool_whatif_report *report = kzalloc(sizeof(*report), GFP_KERNEL);
	int err;

	if (!report)
		return -ENOMEM;
	err = fpool_whatif_read(m->private, report);
	if (!err)
		print(m, report);
	kfree(report);
	return err;
}

static int whatif_show(struct seq_file *m, void *v)
{
	return show_report(m, print_whatif);
}
DEFINE_SHOW_ATTRIBUTE(whatif);

static int curves_show(struct seq_file *m, void *v)
{
	return show_report(m, print_curves);
}
DEFINE_SHOW_ATTRIBUTE(curves);

static void print_wset(struct seq_file *m, const struct framepool_wset *info)
{
	seq_printf(m, "%u %d %llu ", info->id, info->pid, info->min);
	if (info->max == FRAMEPOOL_WSET_NO_MAX)
		seq_putc(m, '-');
	else
		seq_printf(m, "%llu", info->max);
	seq_printf(m, " %llu %llu %llu %llu %llu %llu %llu\n", info->target, info->charge,
		   info->peak, info->pinned, info->faults, info->refaults, info->near_refaults);
}

static int wsets_show(struct seq_file *m, void *v)
{
	struct fpool_pool *pool = m->private;
	struct framepool_wset info = {};

	seq_puts(m, "id pid min max target charge peak pinned faults refaults near\n");
	while (!fpool_mmset_next(pool, info.cursor, &info)) {
		print_wset(m, &info);
		cond_resched();
	}
	return 0;
}

static bool next_number(char **line, u64 *number)
{
	const char *word = strsep(line, " ");

	return word && isdigit(*word) && !kstrtou64(word, 10, number);
}

static bool next_max(char **line, u64 *max)
{
	if (!*line || strcmp(*line, "-"))
		return next_number(line, max);
	*max = FRAMEPOOL_WSET_NO_MAX;
	*line = NULL;
	return true;
}

/* "PID MIN MAX\n": a line without an end may have been cut, and behind the end there is nothing. */
static int parse_limit(char *text, size_t len, struct fpool_limit *l)
{
	u64 pid;

	if (strchr(text, '\n') != text + len - 1)
		return -EINVAL;
	text[len - 1] = '\0';
	if (!next_number(&text, &pid) || !pid || pid > INT_MAX || !next_number(&text, &l->min) ||
	    !next_max(&text, &l->max) || text)
		return -EINVAL;
	l->pid = pid;
	return 0;
}

/*
 * Who destroys the pool waits, with fpool_pools_lock, until nobody is in its files: so that lock is
 * not to be taken here.  Nor does he begin before nothing of the pool is mapped; then there are no
 * limits to wait for.
 */
static long with_this_pool(const void *whose, fpool_limit_fn fn, void *arg)
{
	return fn((struct fpool_pool *)whose, arg);
}

static ssize_t wsets_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	struct fpool_limit limit = {
		.with = with_this_pool,
		.whose = ((struct seq_file *)file->private_data)->private,
	};
	char text[64];
	long err;

	if (!len || len >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, from, len))
		return -EFAULT;
	text[len] = '\0';
	err = parse_limit(text, len, &limit) ?: fpool_limit_set(&limit);
	return err ?: len;
}

static int wsets_open(struct inode *inode, struct file *file)
{
	return single_open(file, wsets_show, inode->i_private);
}

static const struct file_operations wsets_fops = {
	.owner = THIS_MODULE,
	.open = wsets_open,
	.read = seq_read,
	.write = wsets_write,
	.llseek = seq_lseek,
	.release = single_release,
};

static int check_show(struct seq_file *m, void *v)
{
	int err = fpool_pool_check(m->private) ?: fpool_whatif_check(m->private);

	if (!err)
		seq_puts(m, "ok\n");
	return err;
}
DEFINE_SHOW_ATTRIBUTE(check);

struct frame_run {
	u32 first, nr, space;
	u8 state;
};

static void print_frames(struct seq_file *m, const struct frame_run *run)
{
	if (run->nr)
		seq_printf(m, "%u %u %s %u\n", run->first, run->nr,
			   fpool_frames_state_name(run->state), run->space);
}

static int frames_show(struct seq_file *m, void *v)
{
	struct fpool_pool *pool = m->private;
	struct frame_run run = {};
	u32 i;

	spin_lock(&pool->lock);
	for (i = 0; i < pool->region.nframes; i++) {
		const struct fpool_frame_info *info =
			fpool_frames_info(&pool->frames, fpool_frame(i));

		if (!run.nr || info->state != run.state || info->space != run.space) {
			print_frames(m, &run);
			run = (struct frame_run){
				.first = i, .space = info->space, .state = info->state,
			};
		}
		run.nr++;
		if (!(i % PIECE))
			fpool_pool_breathe(pool);
	}
	spin_unlock(&pool->lock);
	print_frames(m, &run);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(frames);

static ssize_t bits_read(struct file *file, char __user *to, size_t len, loff_t *pos)
{
	struct fpool_pool *pool = file->private_data;
	size_t bytes = DIV_ROUND_UP(pool->region.nframes, 8);

	spin_lock(&pool->lock);
	fpool_pool_settle(pool);
	spin_unlock(&pool->lock);
	/* Words are read as they are: each is a snapshot, the whole is none. */
	return simple_read_from_buffer(to, len, pos, pool->buddy.allocated.words, bytes);
}

static const struct file_operations bits_fops = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.read = bits_read,
	.llseek = default_llseek,
};

/* A reference to the first space with an id above @id. */
static struct fpool_space *next_space(struct fpool_pool *pool, unsigned long id)
{
	struct fpool_space *space = NULL;
	struct fpool_ptable *table;

	spin_lock(&pool->lock);
	table = xa_find_after(&pool->tables, &id, ULONG_MAX, XA_PRESENT);
	if (table)
		space = fpool_space_get(container_of(table, struct fpool_space, ptable));
	spin_unlock(&pool->lock);
	return space;
}

static int spaces_show(struct seq_file *m, void *v)
{
	struct fpool_pool *pool = m->private;
	struct fpool_space *space;
	u32 id = 0;

	seq_puts(m, "space bytes resident pinned ghosts nodes fills evictions written errors\n");
	while ((space = next_space(pool, id))) {
		id = space->id;
		seq_printf(m, "%u %llu %llu %u %llu %u %llu %llu %llu %llu\n", id,
			   fpool_space_bytes(space), space->ptable.npresent, space->npinned,
			   space->ptable.nghosts, space->ptable.nnodes,
			   fpool_stats_read(&space->stats, FPOOL_STAT_FILLS),
			   fpool_stats_read(&space->stats, FPOOL_STAT_EVICTIONS),
			   fpool_stats_read(&space->stats, FPOOL_STAT_WRITTEN),
			   fpool_stats_read(&space->stats, FPOOL_STAT_WRITE_ERRORS));
		fpool_space_put(space);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(spaces);

static int errors_show(struct seq_file *m, void *v)
{
	struct fpool_pool *pool = m->private;
	struct fpool_space *space;
	u32 id = 0;

	seq_puts(m, "space unwritten reads read_offset read_error ");
	seq_puts(m, "writes write_offset write_error flushes flush_error\n");
	while ((space = next_space(pool, id))) {
		struct framepool_errors e = {};

		id = space->id;
		fpool_errlog_get(space, &e);
		seq_printf(m, "%u %llu %llu %llu %u %llu %llu %u %llu %u\n", id, e.unwritten,
			   e.reads, e.read_offset, e.read_error, e.writes, e.write_offset,
			   e.write_error, e.flushes, e.flush_error);
		fpool_space_put(space);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(errors);

/* Since the policy last looked. The glue has that bit in the page's flags. */
static bool is_accessed(struct fpool_pool *pool, fpool_spte_t e)
{
	return fpool_spte_has(e, FPOOL_SPTE_P) &&
	       fpool_page_has_uses(fpool_pool_page(pool, fpool_spte_frame(e)));
}

/* An entry as its flags say it, largest first. */
static void print_entry(struct seq_file *m, struct fpool_pool *pool, fpool_vpn_t vpn,
			fpool_spte_t e)
{
	if (fpool_spte_is_evicted(e))
		seq_printf(m, "%llu ghost %llu set %u\n", fpool_vpn_nr(vpn),
			   fpool_ghost_number(fpool_spte_seq(e)),
			   fpool_ghost_set(fpool_spte_seq(e)));
	else if (fpool_spte_has(e, FPOOL_SPTE_E))
		seq_printf(m, "%llu error %d\n", fpool_vpn_nr(vpn), fpool_spte_errno(e));
	else
		seq_printf(m, "%llu %c%c%c%s%s%s frame %u\n", fpool_vpn_nr(vpn),
			   fpool_spte_has(e, FPOOL_SPTE_P) ? 'P' : '-',
			   is_accessed(pool, e) ? 'A' : '-',
			   fpool_spte_has(e, FPOOL_SPTE_D) ? 'D' : '-',
			   fpool_spte_has(e, FPOOL_SPTE_BUSY) ? " busy" : "",
			   fpool_spte_has(e, FPOOL_SPTE_PIN) ? " pinned" : "",
			   fpool_spte_has(e, FPOOL_SPTE_WB) ? " writeback" : "",
			   fpool_frame_nr(fpool_spte_frame(e)));
}

static void print_table(struct seq_file *m, struct fpool_space *space)
{
	struct fpool_pool *pool = space->pool;
	fpool_vpn_t vpn = fpool_vpn(0);
	fpool_spte_t e;
	u32 printed = 0;

	seq_printf(m, "space %u levels %u nodes %u\n", space->id,
		   fpool_ptable_levels(&space->ptable), space->ptable.nnodes);
	spin_lock(&pool->lock);
	while (fpool_space_next(space, &vpn, fpool_vpn(FPOOL_VPN_MAX), 0, &e)) {
		print_entry(m, pool, vpn, e);
		vpn = fpool_vpn_add(vpn, 1);
		if (!(++printed % PIECE))
			fpool_pool_breathe(pool);
	}
	spin_unlock(&pool->lock);
}

static int pagetables_show(struct seq_file *m, void *v)
{
	struct fpool_pool *pool = m->private;
	struct fpool_space *space;
	u32 id = 0;

	while ((space = next_space(pool, id))) {
		id = space->id;
		print_table(m, space);
		fpool_space_put(space);
	}
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(pagetables);

/* What was written into an open `walk`. */
struct walk_query {
	struct fpool_pool *pool;
	u32 space;
	fpool_vpn_t vpn;
};

static void print_walk(struct seq_file *m, struct fpool_space *space, fpool_vpn_t vpn)
{
	struct fpool_ptable_step step[FPOOL_PTABLE_MAX_LEVELS];
	unsigned int i, n;

	spin_lock(&space->pool->lock);
	n = fpool_ptable_walk(&space->ptable, vpn, step);
	seq_printf(m, "levels %u\n", fpool_ptable_levels(&space->ptable));
	spin_unlock(&space->pool->lock);
	for (i = 0; i < n; i++)
		seq_printf(m, "%u %u %u\n", step[i].level, step[i].index,
			   fpool_frame_nr(step[i].node));
	if (n && !step[n - 1].level && step[n - 1].entry)
		print_entry(m, space->pool, vpn, fpool_spte(step[n - 1].entry));
}

static int walk_show(struct seq_file *m, void *v)
{
	const struct walk_query *query = m->private;
	struct fpool_space *space = query->space ? next_space(query->pool, query->space - 1) : NULL;
	int err = -ENOENT;

	if (space && space->id == query->space) {
		print_walk(m, space, query->vpn);
		err = 0;
	}
	if (space)
		fpool_space_put(space);
	return err;
}

static ssize_t walk_write(struct file *file, const char __user *from, size_t len, loff_t *pos)
{
	struct walk_query *query = ((struct seq_file *)file->private_data)->private;
	char text[48];
	u64 vpn;
	u32 id;

	if (len >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, from, len))
		return -EFAULT;
	text[len] = '\0';
	if (sscanf(text, "%u %llu", &id, &vpn) != 2 || vpn > FPOOL_VPN_MAX)
		return -EINVAL;
	query->space = id;
	query->vpn = fpool_vpn(vpn);
	return len;
}

static int walk_open(struct inode *inode, struct file *file)
{
	struct walk_query *query = kzalloc(sizeof(*query), GFP_KERNEL);
	int err;

	if (!query)
		return -ENOMEM;
	query->pool = inode->i_private;
	err = single_open(file, walk_show, query);
	if (err)
		kfree(query);
	return err;
}

static int walk_release(struct inode *inode, struct file *file)
{
	kfree(((struct seq_file *)file->private_data)->private);
	return single_release(inode, file);
}

static const struct file_operations walk_fops = {
	.owner = THIS_MODULE,
	.open = walk_open,
	.read = seq_read,
	.write = walk_write,
	.llseek = seq_lseek,
	.release = walk_release,
};

/**
 * fpool_debugfs_add - the directory of a pool
 * @pool: the pool
 *
 * Context: Caller holds fpool_pools_lock. Failure is not worth failing for.
 */
void fpool_debugfs_add(struct fpool_pool *pool)
{
	struct dentry *dir = debugfs_create_dir(pool->name, root);

	pool->debugfs = dir;
	debugfs_create_file("stats", 0400, dir, pool, &stats_fops);
	debugfs_create_file("buddyinfo", 0400, dir, pool, &buddyinfo_fops);
	debugfs_create_file("bitmap", 0400, dir, pool, &bits_fops);
	debugfs_create_file("frames", 0400, dir, pool, &frames_fops);
	debugfs_create_file("spaces", 0400, dir, pool, &spaces_fops);
	debugfs_create_file("errors", 0400, dir, pool, &errors_fops);
	debugfs_create_file("pagetable", 0400, dir, pool, &pagetables_fops);
	debugfs_create_file("walk", 0600, dir, pool, &walk_fops);
	debugfs_create_file("policy", 0400, dir, pool, &policy_fops);
	debugfs_create_file("whatif", 0400, dir, pool, &whatif_fops);
	debugfs_create_file("curves", 0400, dir, pool, &curves_fops);
	debugfs_create_file("working_sets", 0600, dir, pool, &wsets_fops);
	debugfs_create_file("check", 0400, dir, pool, &check_fops);
}

/**
 * fpool_debugfs_remove - remove a pool's directory
 * @pool: the pool, without spaces; nobody reads or writes there when this returns
 *
 * Context: Caller holds fpool_pools_lock, which readers and writers of the files do not take.
 */
void fpool_debugfs_remove(struct fpool_pool *pool)
{
	debugfs_remove_recursive(pool->debugfs);
}

/**
 * fpool_debugfs_init - the directory of all pools
 *
 * Context: Module load.
 */
void fpool_debugfs_init(void)
{
	root = debugfs_create_dir("framepool", NULL);
	fpool_inject_debugfs(root);
}

/**
 * fpool_debugfs_exit - remove it
 *
 * Context: Module unload.
 */
void fpool_debugfs_exit(void)
{
	debugfs_remove_recursive(root);
}

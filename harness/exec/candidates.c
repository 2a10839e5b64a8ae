/*
 * See candidates.h: sets of processes, given by pid or of the whole machine, and what they have in
 * common.
 */
#include "harness/exec/candidates.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "harness/exec/candidates_internal.h"

enum {
	FIRST_ROOM = 256,
	WORTH_A_THREAD = 512, /* processes: some 10 ms of reading */
};
/* PROC_PID_INIT_INO of include/linux/proc_ns.h */
#define INIT_PID_NS_INO 0xEFFFFFFCU

void candidates_reserve(struct candidates *c, size_t n)
{
	struct candidates_priv *priv = c->priv;

	if (n > priv->cap) {
		c->tasks = mem_grow(c->tasks, n, sizeof(*c->tasks));
		c->more = mem_grow(c->more, n, sizeof(*c->more));
		priv->index = mem_grow(priv->index, n, sizeof(*priv->index));
		priv->cap = n;
	}
	if (n > priv->cap_pids) {
		priv->pids = mem_grow(priv->pids, n, sizeof(*priv->pids));
		priv->cap_pids = n;
	}
	if (n > priv->cap_scan) {
		priv->scan = mem_grow(priv->scan, n, sizeof(*priv->scan));
		priv->cap_scan = n;
	}
}

void candidates_add_pid(struct candidates *c, pid_t pid)
{
	struct candidates_priv *priv = c->priv;

	if (priv->n_pids == priv->cap_pids) {
		priv->cap_pids = priv->cap_pids ? priv->cap_pids * 2 : FIRST_ROOM;
		priv->pids = mem_grow(priv->pids, priv->cap_pids, sizeof(*priv->pids));
	}
	priv->pids[priv->n_pids++] = pid;
}

void candidates_begin(struct candidates *c)
{
	c->n = c->gone = c->hidden = c->priv->n_pids = 0;
	c->priv->sorted = true;
	candidates_refresh(c);
}

/* Rows of who went away are marked; they must be distinct from what reading can give. */
enum { LOST_GONE = UINT8_MAX, LOST_HIDDEN = UINT8_MAX - 1 };

static void *read_part(void *data)
{
	struct candidates_reader *reader = data;
	struct candidates *c = reader->c;

	/* A table of descriptors of one's own needs no locks; where that is refused, ours will do.
	 */
	if (reader->own_files)
		(void)unshare(CLONE_FILES);
	for (size_t i = reader->from; i < reader->to; i++) {
		int rc = candidates_read_one(reader, c->priv->pids[i], reader->first + i);
		if (rc < 0)
			c->more[reader->first + i].bar =
				rc == -EACCES || rc == -EPERM ? LOST_HIDDEN : LOST_GONE;
	}
	return NULL;
}

/* In parts, each by a thread; what no thread could be made for is read here. */
static void read_parts(struct candidates *c, size_t parts, bool coarse)
{
	struct candidates_reader *readers = c->priv->readers;
	pthread_t threads[CANDIDATES_READERS];
	bool runs[CANDIDATES_READERS] = {false};

	for (size_t i = 0; i < parts; i++) {
		readers[i].c = c;
		readers[i].first = c->n;
		readers[i].coarse = coarse;
		readers[i].own_files = i > 0;
		readers[i].from = c->priv->n_pids * i / parts;
		readers[i].to = c->priv->n_pids * (i + 1) / parts;
		runs[i] = i && pthread_create(&threads[i], NULL, read_part, &readers[i]) == 0;
	}
	for (size_t i = 0; i < parts; i++)
		if (!runs[i]) {
			readers[i].own_files = false;
			(void)read_part(&readers[i]);
		}
	for (size_t i = 0; i < parts; i++)
		if (runs[i])
			(void)pthread_join(threads[i], NULL);
}

void candidates_load(struct candidates *c, bool threads, bool coarse)
{
	struct candidates_priv *priv = c->priv;
	size_t parts = 1, end = c->n + priv->n_pids;

	if (end > priv->cap)
		candidates_reserve(c, end);
	if (threads && priv->n_pids >= WORTH_A_THREAD)
		parts = priv->n_readers;
	read_parts(c, parts, coarse);
	for (size_t i = c->n; i < end; i++) {
		if (c->more[i].bar == LOST_HIDDEN) {
			c->hidden++;
		} else if (c->more[i].bar == LOST_GONE) {
			c->gone++;
		} else {
			c->tasks[c->n] = c->tasks[i];
			c->more[c->n] = c->more[i];
			priv->sorted &= !c->n || c->tasks[c->n - 1].pid < c->tasks[c->n].pid;
			c->n++;
		}
	}
	priv->n_pids = 0;
}

void candidates_finish(struct candidates *c)
{
	for (size_t i = 0; i < c->n; i++) {
		c->tasks[i].comm = c->more[i].comm;
		if (c->more[i].bar == CANDIDATE_FREE && candidates_in_vfork(c, i)) {
			c->more[i].bar = CANDIDATE_VFORK;
			c->tasks[i].unkillable = true;
		}
	}
}

static bool add_number(void *data, int64_t number)
{
	candidates_add_pid(data, (pid_t)number);
	return true;
}

/* The list of all tasks grows at its end: the order of a global scan is that of their starts. */
static bool before(const struct candidates *c, uint32_t i, uint32_t j)
{
	uint64_t a = c->more[i].start_ticks, b = c->more[j].start_ticks;

	return a != b ? a < b : c->tasks[i].pid < c->tasks[j].pid;
}

static void sift(const struct candidates *c, uint32_t *heap, size_t at, size_t n)
{
	uint32_t moved = heap[at];

	for (size_t child; (child = at * 2 + 1) < n; at = child) {
		child += child + 1 < n && before(c, heap[child], heap[child + 1]);
		if (!before(c, moved, heap[child]))
			break;
		heap[at] = heap[child];
	}
	heap[at] = moved;
}

/* A heap sort, because qsort() allocates. */
void candidates_order_by_start(struct candidates *c, size_t first)
{
	uint32_t *heap = c->priv->index;
	size_t n = c->n - first;

	for (size_t i = 0; i < n; i++)
		heap[i] = (uint32_t)(first + i);
	for (size_t i = n / 2; i-- > 0;)
		sift(c, heap, i, n);
	for (size_t last = n; last-- > 0;) {
		uint32_t latest = heap[0];
		heap[0] = heap[last];
		c->tasks[latest].order = first + last;
		sift(c, heap, 0, last);
	}
}

/* Of every pair the order is not known: see candidates_order_sure(). */
static void finish_machine(struct candidates *c)
{
	candidates_finish(c);
	candidates_order_by_start(c, 0);
	c->memcg = c->order_known = false;
}

int candidates_read(struct candidates *c, const pid_t *pids, size_t n, struct err *err)
{
	(void)err;
	candidates_begin(c);
	for (size_t i = 0; i < n; i++)
		candidates_add_pid(c, pids[i]);
	candidates_load(c, false, false);
	finish_machine(c);
	return 0;
}

int candidates_all(struct candidates *c, bool full, struct err *err)
{
	candidates_begin(c);
	int rc = candidates_each_number(c, ".", add_number, c);
	if (rc < 0)
		return err_errno(err, -rc, "cannot list the processes of /proc");
	candidates_load(c, true, !full);
	finish_machine(c);
	return 0;
}

void candidates_choose(const struct candidates *c, const struct badness_rules *rules,
		       uint64_t total_pages, struct badness_choice *ret)
{
	badness_choose(rules, c->tasks, c->n, total_pages, c->memcg, true, ret);
	if (ret->sure != BADNESS_CERTAIN || ret->n_ties < 2)
		return;
	for (size_t i = 0; i < c->n; i++)
		if (i != ret->victim &&
		    badness_points(rules, &c->tasks[i], total_pages) == ret->points &&
		    !candidates_order_sure(c, i, ret->victim))
			ret->sure = BADNESS_TIED;
}

bool candidates_order_sure(const struct candidates *c, size_t i, size_t j)
{
	const struct candidate *a = &c->more[i], *b = &c->more[j];

	if (c->memcg)
		return a->group != b->group || a->listed;
	return a->start_ticks != b->start_ticks || c->tasks[i].ppid == c->tasks[j].ppid;
}

size_t candidates_find(const struct candidates *c, int64_t pid)
{
	if (c->priv->sorted) {
		size_t low = 0, high = c->n;
		while (low < high) {
			size_t middle = low + (high - low) / 2;
			if (c->tasks[middle].pid < pid)
				low = middle + 1;
			else
				high = middle;
		}
		return low < c->n && c->tasks[low].pid == pid ? low : SIZE_MAX;
	}
	for (size_t i = 0; i < c->n; i++)
		if (c->tasks[i].pid == pid)
			return i;
	return SIZE_MAX;
}

/* ---- opening -------------------------------------------------------------------------------- */

int candidates_open(int proc_fd, const struct cg_host *groups, struct candidates **ret,
		    struct err *err)
{
	struct candidates *c = mem_zero(1, sizeof(*c));
	struct stat ns;
	int rc = 0;

	c->priv = mem_zero(1, sizeof(*c->priv));
	c->priv->own_fd = -1;
	c->priv->groups = groups;
	if (proc_fd < 0)
		rc = proc_fd = c->priv->own_fd =
			fd_open_at(AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY, 0, err);
	c->priv->proc_fd = proc_fd;
	if (rc >= 0) {
		c->whole = fstatat(proc_fd, "self/ns/pid", &ns, 0) == 0 &&
			   ns.st_ino == INIT_PID_NS_INO;
		rc = candidates_probe(c, err);
		c->priv->n_readers = c->cpus < CANDIDATES_READERS ? c->cpus : CANDIDATES_READERS;
		c->priv->readers = mem_zero(CANDIDATES_READERS, sizeof(*c->priv->readers));
	}
	if (rc < 0) {
		candidates_free(c);
		return rc;
	}
	*ret = c;
	return 0;
}

void candidates_free(struct candidates *c)
{
	if (!c)
		return;
	fd_close_var(&c->priv->own_fd);
	mem_free_var(&c->priv->pids);
	mem_free_var(&c->priv->readers);
	mem_free_var(&c->priv->index);
	mem_free_var(&c->priv->scan);
	mem_free_var(&c->tasks);
	mem_free_var(&c->more);
	mem_free_var(&c->priv);
	mem_free_var(&c);
}

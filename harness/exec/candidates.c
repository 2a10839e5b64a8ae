/*
 * See candidates.h. Each process costs three files, stat, status and oom_score_adj, each read once;
 * kernel threads and zombies cost one.
 */
#include "harness/exec/candidates.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "harness/exec/candidates_internal.h"
#include "harness/exec/proc_text.h"

enum {
	CAP_SYS_ADMIN_BIT = 21,
	FIRST_ROOM = 256,
	PATH_SIZE = 64,
	DIRENTS = 32768,
};
/* PROC_PID_INIT_INO of include/linux/proc_ns.h */
#define INIT_PID_NS_INO 0xEFFFFFFCU

const char *candidate_bar_name(enum candidate_bar bar)
{
	static const char *const names[] = {
		[CANDIDATE_FREE] = NULL,
		[CANDIDATE_INIT] = "init",
		[CANDIDATE_KTHREAD] = "kernel-thread",
		[CANDIDATE_NO_MM] = "no-memory",
		[CANDIDATE_VFORK] = "vfork",
	};
	return names[bar];
}

/* ---- files ---------------------------------------------------------------------------------- */

static char *put_number(char *at, uint64_t value)
{
	char digits[20];
	size_t n = 0;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	while (n)
		*at++ = digits[--n];
	return at;
}

ssize_t candidates_text(const struct candidates *c, int64_t pid, const char *file, char *text,
			size_t size)
{
	char path[PATH_SIZE];
	char *at = put_number(path, (uint64_t)pid);

	*at++ = '/';
	memccpy(at, file, '\0', sizeof(path) - (size_t)(at - path) - 1);
	path[sizeof(path) - 1] = '\0';
	int fd = openat(c->priv->proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t n = read(fd, text, size - 1);
	n = n < 0 ? -errno : n;
	(void)close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n;
}

static int read_number(const struct candidates *c, int64_t pid, const char *file, int64_t *ret)
{
	char text[32];
	ssize_t n = candidates_text(c, pid, file, text, sizeof(text));

	if (n < 0)
		return (int)n;
	return proc_parse_number(text, (size_t)n, ret) ? 0 : -EPROTO;
}

int candidates_oom_score(const struct candidates *c, int64_t pid, int64_t *ret)
{
	return read_number(c, pid, "oom_score", ret);
}

/* ---- one process ---------------------------------------------------------------------------- */

struct reading {
	struct proc_stat stat;
	struct proc_status status;
	int64_t adj;
};

/* stat and, unless it tells enough, status of a process or thread below it ("", "task/12/"). */
static int read_texts(struct candidates *c, int64_t pid, const char *below, struct reading *r)
{
	struct candidates_priv *priv = c->priv;
	char file[PATH_SIZE / 2];
	char *end = stpncpy(file, below, sizeof(file) - sizeof("status"));

	memcpy(end, "stat", sizeof("stat"));
	ssize_t n = candidates_text(c, pid, file, priv->text, sizeof(priv->text));
	if (n <= 0 || !proc_parse_stat(priv->text, (size_t)n, &r->stat))
		return n < 0 ? (int)n : -ESRCH;
	r->status = (struct proc_status){0};
	if (r->stat.flags & PROC_PF_KTHREAD)
		return 0;
	memcpy(end, "status", sizeof("status"));
	n = candidates_text(c, pid, file, priv->text, sizeof(priv->text));
	if (n < 0)
		return (int)n;
	proc_parse_status(priv->text, (size_t)n, &r->status);
	return 0;
}

struct thread_search {
	struct candidates *c;
	int64_t pid;
	struct reading *r;
	bool found;
};

/* The kernel takes the memory from the first thread that still has it (find_lock_task_mm). */
static bool try_thread(void *data, int64_t tid)
{
	struct thread_search *search = data;
	char below[PATH_SIZE / 2] = "task/";
	struct reading r;

	if (tid == search->pid)
		return true;
	memcpy(put_number(below + strlen(below), (uint64_t)tid), "/", 2);
	if (read_texts(search->c, search->pid, below, &r) < 0 || !r.status.has_mm)
		return true;
	search->r->stat.rss_pages = r.stat.rss_pages;
	search->r->status = r.status;
	search->found = true;
	return false;
}

int candidates_each_number(const struct candidates *c, const char *path,
			   bool (*fn)(void *data, int64_t number), void *data)
{
	FD_AUTO fd = openat(c->priv->proc_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent64 {
		uint64_t ino, offset;
		unsigned short length;
		unsigned char type;
		char name[];
	};
	_Alignas(struct dirent64) char entries[DIRENTS];

	if (fd < 0)
		return -errno;
	for (;;) {
		long n = syscall(SYS_getdents64, fd, entries, sizeof(entries));
		if (n <= 0)
			return n < 0 ? -errno : 0;
		for (long at = 0; at < n;) {
			const struct dirent64 *entry = (const void *)(entries + at);
			int64_t number;
			if (*entry->name >= '1' && *entry->name <= '9' &&
			    proc_parse_number(entry->name, strlen(entry->name), &number) &&
			    !fn(data, number))
				return 0;
			at += entry->length;
		}
	}
}

/* A dead leader's living threads hold the memory. */
static void look_at_threads(struct candidates *c, int64_t pid, struct reading *r)
{
	char path[PATH_SIZE];
	struct thread_search search = {c, pid, r, false};

	memcpy(put_number(path, (uint64_t)pid), "/task", sizeof("/task"));
	(void)candidates_each_number(c, path, try_thread, &search);
}

static enum candidate_bar bar_of(const struct candidates *c, const struct reading *r)
{
	if (r->stat.pid == 1 && c->priv->init_ns)
		return CANDIDATE_INIT;
	if (r->stat.flags & PROC_PF_KTHREAD)
		return CANDIDATE_KTHREAD;
	return r->status.has_mm ? CANDIDATE_FREE : CANDIDATE_NO_MM;
}

static int privileged(const struct proc_status *status)
{
	return status->has_cap_eff ? (int)(status->cap_eff >> CAP_SYS_ADMIN_BIT & 1) : -1;
}

static void fill(struct candidates *c, size_t i, const struct reading *r)
{
	struct badness_task *task = &c->tasks[i];
	struct candidate *more = &c->more[i];
	const struct proc_status *status = &r->status;
	uint64_t page_kib = c->page_bytes / 1024;
	enum candidate_bar bar = bar_of(c, r);

	*more = (struct candidate){
		.state = r->stat.state,
		.bar = (uint8_t)bar,
		.uid = (uint32_t)status->uid,
		.threads = (uint32_t)r->stat.threads,
		.anon_pages = status->rss_anon / page_kib,
		.file_pages = status->rss_file / page_kib,
		.shmem_pages = status->rss_shmem / page_kib,
		.status_rss_pages = status->vm_rss / page_kib,
		.start_ticks = r->stat.start_ticks,
	};
	memcpy(more->comm, r->stat.comm, sizeof(more->comm));
	*task = (struct badness_task){
		.pid = r->stat.pid,
		.tgid = r->stat.pid,
		.ppid = r->stat.ppid,
		.rss_pages =
			c->counters == COUNTERS_EXACT ? more->status_rss_pages : r->stat.rss_pages,
		.swap_pages = status->vm_swap / page_kib,
		.table_pages = (status->vm_pte + status->vm_pmd) / page_kib,
		.total_vm_pages = r->stat.vsize_bytes / c->page_bytes,
		.oom_score_adj = (int)r->adj,
		.privileged = privileged(status),
		.unkillable = bar != CANDIDATE_FREE,
	};
	task->error_pages = task->swap_pages ? c->swap_error_pages : c->priv->swap_error_now;
}

static int read_one(struct candidates *c, int64_t pid, size_t i)
{
	struct reading r;
	int rc = read_texts(c, pid, "", &r);

	if (rc < 0)
		return rc;
	if (!r.status.has_mm && r.stat.threads > 1)
		look_at_threads(c, pid, &r);
	rc = read_number(c, pid, "oom_score_adj", &r.adj);
	if (rc < 0)
		return rc;
	r.stat.pid = pid;
	fill(c, i, &r);
	return 0;
}

/* ---- sets ----------------------------------------------------------------------------------- */

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

void candidates_load(struct candidates *c)
{
	struct candidates_priv *priv = c->priv;

	if (c->n + priv->n_pids > priv->cap)
		candidates_reserve(c, c->n + priv->n_pids);
	for (size_t i = 0; i < priv->n_pids; i++) {
		int rc = read_one(c, priv->pids[i], c->n);
		if (rc >= 0) {
			priv->sorted &= !c->n || c->tasks[c->n - 1].pid < priv->pids[i];
			c->n++;
		} else if (rc == -EACCES || rc == -EPERM) {
			c->hidden++;
		} else {
			c->gone++;
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
	candidates_load(c);
	finish_machine(c);
	return 0;
}

int candidates_all(struct candidates *c, struct err *err)
{
	candidates_begin(c);
	int rc = candidates_each_number(c, ".", add_number, c);
	if (rc < 0)
		return err_errno(err, -rc, "cannot list the processes of /proc");
	candidates_load(c);
	finish_machine(c);
	return 0;
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
		c->priv->init_ns = fstatat(proc_fd, "self/ns/pid", &ns, 0) == 0 &&
				   ns.st_ino == INIT_PID_NS_INO;
		rc = candidates_probe(c, err);
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
	mem_free_var(&c->priv->index);
	mem_free_var(&c->priv->scan);
	mem_free_var(&c->tasks);
	mem_free_var(&c->more);
	mem_free_var(&c->priv);
	mem_free_var(&c);
}

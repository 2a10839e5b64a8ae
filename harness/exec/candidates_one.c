/*
 * One process: three files, stat, status and oom_score_adj, each opened and read once, become a
 * row. A kernel thread has no status worth reading; a dead leader's memory is that of its threads.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/exec/candidates_internal.h"
#include "harness/exec/proc_text.h"

enum {
	CAP_SYS_ADMIN_BIT = 21,
	PATH_SIZE = 64,
	DIRENTS = 32768,
};

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
	bool coarse;
};

static ssize_t read_file(struct candidates_reader *reader, int64_t pid, const char *below,
			 const char *name)
{
	char file[PATH_SIZE / 2];

	stpcpy(stpncpy(file, below, sizeof(file) - sizeof("status")), name);
	return candidates_text(reader->c, pid, file, reader->text, CANDIDATES_TEXT);
}

static int read_stat(struct candidates_reader *reader, int64_t pid, const char *below,
		     struct proc_stat *ret)
{
	ssize_t n = read_file(reader, pid, below, "stat");

	if (n < 0)
		return (int)n;
	return proc_parse_stat(reader->text, (size_t)n, ret) ? 0 : -ESRCH;
}

static int read_status(struct candidates_reader *reader, int64_t pid, const char *below,
		       struct proc_status *ret)
{
	ssize_t n = read_file(reader, pid, below, "status");

	if (n < 0)
		return (int)n;
	proc_parse_status(reader->text, (size_t)n, ret);
	return 0;
}

/* stat and, unless it tells enough, status of a process or thread below it ("", "task/12/"). */
static int read_texts(struct candidates_reader *reader, int64_t pid, const char *below,
		      struct reading *r)
{
	int rc = read_stat(reader, pid, below, &r->stat);

	r->coarse = false;
	r->status = (struct proc_status){0};
	if (rc < 0 || r->stat.flags & PROC_PF_KTHREAD)
		return rc;
	return read_status(reader, pid, below, &r->status);
}

/* status alone, if it has memory. */
static int read_coarsely(struct candidates_reader *reader, int64_t pid, struct reading *r)
{
	uint64_t page = reader->c->page_bytes;
	int rc = read_status(reader, pid, "", &r->status);

	if (rc < 0)
		return rc;
	if (!r->status.has_mm)
		return read_texts(reader, pid, "", r);
	r->coarse = true;
	r->stat = (struct proc_stat){
		.ppid = r->status.ppid,
		.state = r->status.state,
		.threads = r->status.threads,
		.vsize_bytes = r->status.vm_size * 1024,
		.rss_pages = r->status.vm_rss * 1024 / page,
	};
	memcpy(r->stat.comm, r->status.comm, sizeof(r->stat.comm));
	return 0;
}

struct thread_search {
	struct candidates_reader *reader;
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
	if (read_texts(search->reader, search->pid, below, &r) < 0 || !r.status.has_mm)
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
static void look_at_threads(struct candidates_reader *reader, int64_t pid, struct reading *r)
{
	char path[PATH_SIZE];
	struct thread_search search = {reader, pid, r, false};

	memcpy(put_number(path, (uint64_t)pid), "/task", sizeof("/task"));
	(void)candidates_each_number(reader->c, path, try_thread, &search);
}

static enum candidate_bar bar_of(const struct candidates *c, const struct reading *r)
{
	if (r->stat.pid == 1 && c->whole)
		return CANDIDATE_INIT;
	if (r->stat.flags & PROC_PF_KTHREAD)
		return CANDIDATE_KTHREAD;
	return r->status.has_mm ? CANDIDATE_FREE : CANDIDATE_NO_MM;
}

static int privileged(const struct proc_status *status)
{
	return status->has_cap_eff ? (int)(status->cap_eff >> CAP_SYS_ADMIN_BIT & 1) : -1;
}

static uint64_t error_of(const struct candidates *c, size_t i)
{
	uint64_t error = c->tasks[i].swap_pages ? c->swap_error_pages : c->priv->swap_error_now;

	return c->more[i].coarse ? error + c->rss_error_pages : error;
}

static void fill(struct candidates *c, size_t i, const struct reading *r)
{
	struct badness_task *task = &c->tasks[i];
	struct candidate *more = &c->more[i];
	const struct proc_status *status = &r->status;
	uint64_t page_kib = c->page_bytes / 1024;
	enum candidate_bar bar = bar_of(c, r);

	*more = (struct candidate){
		.coarse = r->coarse,
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
	task->error_pages = error_of(c, i);
}

int candidates_read_one(struct candidates_reader *reader, int64_t pid, size_t i)
{
	struct reading r;
	int rc = reader->coarse ? read_coarsely(reader, pid, &r) : read_texts(reader, pid, "", &r);

	if (rc < 0)
		return rc;
	if (!r.status.has_mm && r.stat.threads > 1)
		look_at_threads(reader, pid, &r);
	rc = read_number(reader->c, pid, "oom_score_adj", &r.adj);
	if (rc < 0)
		return rc;
	r.stat.pid = pid;
	fill(reader->c, i, &r);
	return 0;
}

void candidates_refine(struct candidates *c, size_t i)
{
	struct candidate *more = &c->more[i];
	struct badness_task *task = &c->tasks[i];
	struct candidates_reader *reader = c->priv->readers;
	struct proc_stat stat;

	if (!more->coarse)
		return;
	reader->c = c;
	more->coarse = false;
	task->error_pages = error_of(c, i);
	if (read_stat(reader, task->pid, "", &stat) < 0) {
		more->bar = CANDIDATE_NO_MM; /* it has gone since */
		task->unkillable = true;
		return;
	}
	more->start_ticks = stat.start_ticks;
	if (c->counters != COUNTERS_EXACT)
		task->rss_pages = stat.rss_pages;
}

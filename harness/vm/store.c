/*
 * See store.h: the folder, its lock, whole files. Pins and kernels are in store_pins.c.
 */
#include "harness/vm/store.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/parse.h"
#include "base/signals.h"

enum { LOCK_AGAIN_MS = 50 };

static const char *const folders[] = {"pins", "kernels", "apt", "work", "build", NULL};

/* ---- the folder ----------------------------------------------------------------------------- */

static char *cache_path(struct err *err)
{
	const char *given = getenv("OOMLAB_CACHE");
	const char *xdg = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");

	if (given && *given)
		return mem_dup(given);
	if (geteuid() == 0)
		return mem_dup("/var/cache/oomlab");
	if (xdg && xdg[0] == '/')
		return mem_printf("%s/oomlab", xdg);
	if (home && home[0] == '/')
		return mem_printf("%s/.cache/oomlab", home);
	(void)err_set(err, ENOENT, "there is no place for a cache: set OOMLAB_CACHE or HOME");
	return NULL;
}

static int make_path(char *path, struct err *err)
{
	for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return err_errno(err, errno, "cannot make the folder '%s'", path);
		if (!slash)
			return 0;
		*slash = '/';
	}
}

int store_open(struct store *ret, struct err *err)
{
	MEM_AUTO char *path = cache_path(err);
	struct store store = {.dir = -1, .lock = -1};

	if (!path || make_path(path, err) < 0)
		return -err->code;
	store.path = realpath(path, NULL);
	if (!store.path)
		return err_errno(err, errno, "cache '%s'", path);
	store.dir = fd_open_at(AT_FDCWD, store.path, O_RDONLY | O_DIRECTORY, 0, err);
	for (size_t i = 0; folders[i] && store.dir >= 0; i++)
		if (mkdirat(store.dir, folders[i], 0755) < 0 && errno != EEXIST) {
			(void)err_errno(err, errno, "cannot make '%s/%s'", store.path, folders[i]);
			fd_close_var(&store.dir);
		}
	if (store.dir < 0) {
		store_close(&store);
		return -err->code;
	}
	*ret = store;
	return 0;
}

void store_close(struct store *store)
{
	fd_close_var(&store->lock);
	fd_close_var(&store->dir);
	free(store->path);
	store->path = NULL;
}

char *store_path(const struct store *store, const char *fmt, ...)
{
	struct str path = STR_INIT;
	va_list ap;

	str_addf(&path, "%s/", store->path);
	va_start(ap, fmt);
	str_vaddf(&path, fmt, ap);
	va_end(ap);
	return str_take(&path);
}

/* ---- the lock ------------------------------------------------------------------------------- */

static int empty_work(const struct store *store, struct err *err)
{
	MEM_AUTO char *work = store_path(store, "work");

	if (store_remove_tree(work, err) < 0)
		return -err->code;
	/* Another process may make it, who opens the store. */
	if (mkdir(work, 0755) < 0 && errno != EEXIST)
		return err_errno(err, errno, "cannot make '%s'", work);
	return 0;
}

/* A lock that is held has no event to poll for; a signal that is blocked must end the wait. */
static int wait_for_lock(int lock)
{
	sigset_t set;

	signals_ending(&set);
	FD_AUTO signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	struct pollfd polled = {.fd = signals, .events = POLLIN};
	while (flock(lock, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (poll(&polled, 1, LOCK_AGAIN_MS) > 0)
			return -EINTR;
	}
	return 0;
}

/* Returns the descriptor. */
static int lock_file(const struct store *store, const char *name, const char *others,
		     const struct fetch_watch *watch, struct err *err)
{
	FD_AUTO lock = fd_open_at(store->dir, name, O_RDWR | O_CREAT, 0644, err);
	int r = lock < 0 ? lock : flock(lock, LOCK_EX | LOCK_NB);

	if (lock < 0)
		return err_wrap(err, "cache '%s'", store->path);
	if (r < 0 && errno == EWOULDBLOCK && !others)
		return err_set(err, EBUSY, "another oomlab builds a kernel in '%s'", store->path);
	if (r < 0 && errno == EWOULDBLOCK)
		fetch_progress(watch, others, -1);
	if (r < 0)
		r = wait_for_lock(lock);
	if (r < 0)
		return err_errno(err, -r, "cannot lock the cache '%s'", store->path);
	return fd_take(&lock);
}

int store_lock(struct store *store, const struct fetch_watch *watch, struct err *err)
{
	FD_AUTO lock = lock_file(store, "lock", "waiting for another oomlab", watch, err);

	if (lock < 0 || empty_work(store, err) < 0)
		return -err->code;
	store->lock = fd_take(&lock);
	return 0;
}

void store_unlock(struct store *store)
{
	fd_close_var(&store->lock);
}

int store_lock_build(const struct store *store, bool wait, const struct fetch_watch *watch,
		     struct err *err)
{
	return lock_file(store, "build.lock", wait ? "waiting for another build" : NULL, watch,
			 err);
}

/* ---- files ---------------------------------------------------------------------------------- */

int store_check_room(const struct store *store, uint64_t bytes, struct err *err)
{
	char needed[PARSE_TEXT_MAX], left[PARSE_TEXT_MAX];
	struct statvfs disk;

	if (fstatvfs(store->dir, &disk) < 0)
		return err_errno(err, errno, "cannot look at the disk of '%s'", store->path);
	uint64_t free_bytes = (uint64_t)disk.f_bavail * disk.f_frsize;
	if (free_bytes >= bytes)
		return 0;
	return err_set(err, ENOSPC, "the disk of '%s' is full: %s needed, %s left", store->path,
		       format_size_short(bytes, needed), format_size_short(free_bytes, left));
}

int store_put(const struct store *store, const char *name, const char *text, size_t len,
	      struct err *err)
{
	MEM_AUTO char *path = store_path(store, "%s", name);
	/* Two that put something without the lock must not write into one file. */
	MEM_AUTO char *fresh = store_path(store, "work/put-%d", (int)getpid());
	FD_AUTO fd = fd_open_at(AT_FDCWD, fresh, O_WRONLY | O_CREAT | O_TRUNC, 0644, err);
	int r = fd < 0 ? fd : fd_write_full(fd, text, len);

	if (fd < 0)
		return fd;
	if (r >= 0 && fsync(fd) < 0)
		r = -errno;
	if (r >= 0 && rename(fresh, path) < 0)
		r = -errno;
	return r < 0 ? err_errno(err, -r, "cannot write '%s'", path) : 0;
}

int store_remove_tree(const char *path, struct err *err)
{
	MEM_AUTO char *root = mem_dup(path);
	char *const roots[] = {root, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	int r = walk ? 0 : -errno;

	for (FTSENT *entry; walk && (entry = fts_read(walk)) != NULL;) {
		if (entry->fts_info == FTS_D)
			continue;
		bool folder = entry->fts_info == FTS_DP;
		if ((folder ? rmdir(entry->fts_accpath) : unlink(entry->fts_accpath)) < 0 &&
		    errno != ENOENT && r == 0)
			r = -errno;
	}
	if (walk)
		(void)fts_close(walk);
	return r < 0 ? err_errno(err, -r, "cannot remove '%s'", path) : 0;
}

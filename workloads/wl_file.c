/*
 * The workload 'file': page cache of a file on disk, by reading, writing or mapping. Page cache
 * is reclaimed before anyone is killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "workloads/hog_run.h"

enum { FD_DATA = HOG_FD_FILE };

static const char *const modes[] = {"read", "write", "mapped", NULL};
enum { MODE_READ, MODE_WRITE, MODE_MAPPED };

struct values {
	struct hog_pace pace;
	const char *dir;
	const char *path;
	uint64_t size_bytes;
	int mode;
	/* state */
	void *scratch;
	char *map;	   /* MODE_MAPPED */
	uint64_t at_bytes; /* next page to read, write or touch */
};

static const struct opt opts[] = {
	{.name = "mode",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct values, mode),
	 .arg = "HOW",
	 .choices = modes,
	 .help = "fill the page cache by read, by write or by touching a shared mapping "
		 "(default read)"},
	{.name = "dir",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct values, dir),
	 .arg = "DIR",
	 .complete = "dir",
	 .help = "make the file, without a name, in this directory (default /var/tmp)"},
	{.name = "path",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct values, path),
	 .arg = "FILE",
	 .complete = "file",
	 .help = "use this existing file, reading only"},
	{.name = "size",
	 .letter = 's',
	 .kind = OPT_SIZE,
	 .offset = offsetof(struct values, size_bytes),
	 .arg = "SIZE",
	 .help = "size of the file made (default 1G, sparse until written)"},
	HOG_PACE_OPTS(struct values),
	OPT_END,
};

/* ---- setup --------------------------------------------------------------------------------- */

static int open_existing(struct values *values, struct err *err)
{
	struct stat st;
	FD_AUTO fd = fd_open_at(AT_FDCWD, values->path, O_RDONLY, 0, err);

	if (fd < 0)
		return fd;
	if (values->mode == MODE_WRITE)
		return err_set(err, EINVAL,
			       "--path is for --mode read and mapped: files that "
			       "exist are never written");
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0)
		return err_set(err, EINVAL, "'%s' is no regular file with contents", values->path);
	values->size_bytes = (uint64_t)st.st_size;
	return hog_place_fd(fd_take(&fd), FD_DATA, err);
}

static int make_file(const struct values *values, struct err *err)
{
	struct statfs fs;
	FD_AUTO fd = fd_open_at(AT_FDCWD, values->dir, O_TMPFILE | O_RDWR, 0600, err);

	if (fd < 0)
		return fd;
	if (fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC)
		return err_set(err, EINVAL,
			       "'%s' is a tmpfs, whose pages are shmem and no page "
			       "cache; give --dir on a disk, or use the workload 'shmem'",
			       values->dir);
	if (ftruncate(fd, (off_t)values->size_bytes) < 0)
		return err_errno(err, errno, "cannot make a file of %llu bytes in '%s'",
				 (unsigned long long)values->size_bytes, values->dir);
	return hog_place_fd(fd_take(&fd), FD_DATA, err);
}

static int setup(struct hog *hog, void *data, struct err *err)
{
	struct values *values = data;
	int prot = values->path ? PROT_READ : PROT_READ | PROT_WRITE;
	int r = values->path ? open_existing(values, err) : make_file(values, err);

	if (r < 0)
		return r;
	values->scratch = hog_scratch(hog);
	if (!values->scratch)
		return err_errno(err, errno, "cannot map a buffer");
	if (values->mode == MODE_MAPPED) {
		values->map = mmap(NULL, values->size_bytes, prot, MAP_SHARED, FD_DATA, 0);
		if (values->map == MAP_FAILED)
			return err_errno(err, errno, "cannot map the file");
	}
	/* The bytes asked for count, not what the kernel would read ahead. */
	(void)posix_fadvise(FD_DATA, 0, 0, POSIX_FADV_RANDOM);
	return hog_pace_check(&values->pace, err);
}

/* ---- filling ------------------------------------------------------------------------------- */

static int copy_page(struct hog *hog, struct values *values)
{
	ssize_t n;

	do {
		if (values->mode == MODE_READ)
			n = pread(FD_DATA, values->scratch, hog->page_size,
				  (off_t)values->at_bytes);
		else
			n = pwrite(FD_DATA, values->scratch, hog->page_size,
				   (off_t)values->at_bytes);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n < 0 ? -errno : -ENOSPC;
	hog_count(hog, 1);
	return 0;
}

static int map_page(struct hog *hog, struct values *values)
{
	if (values->path)
		hog_peek(hog, values->map + values->at_bytes, 1);
	else
		hog_touch(hog, values->map + values->at_bytes, 1);
	return 0;
}

/* -ENOSPC at the end of the file. */
static int alloc(struct hog *hog, void *data, uint64_t bytes)
{
	struct values *values = data;

	for (uint64_t pages = hog_pages(hog, bytes); pages > 0; pages--) {
		if (values->at_bytes >= values->size_bytes)
			return -ENOSPC;
		int r = values->map ? map_page(hog, values) : copy_page(hog, values);
		if (r < 0)
			return r;
		values->at_bytes += hog->page_size;
	}
	return 0;
}

/* Cuts a file of our own; of another's, asks the kernel to drop the clean pages. */
static int release(struct hog *hog, void *data, uint64_t bytes)
{
	struct values *values = data;
	uint64_t pages = hog_pages(hog, bytes), held = values->at_bytes / hog->page_size;

	if (pages > held)
		pages = held;
	uint64_t length = pages * hog->page_size, from = values->at_bytes - length;
	if (values->map && pages && madvise(values->map + from, length, MADV_DONTNEED) < 0)
		return -errno;
	if (values->path) {
		int r = posix_fadvise(FD_DATA, (off_t)from, (off_t)length, POSIX_FADV_DONTNEED);
		if (r > 0)
			return -r;
	} else if (ftruncate(FD_DATA, (off_t)from) < 0 ||
		   ftruncate(FD_DATA, (off_t)values->size_bytes) < 0) {
		return -errno;
	}
	values->at_bytes = from;
	hog_uncount(hog, pages);
	return 0;
}

static int run(struct hog *hog, void *data)
{
	return hog_pace_run(hog, &((struct values *)data)->pace);
}

const struct wl wl_file = {
	.name = "file",
	.summary = "page cache: reads, writes or maps a file",
	.description =
		"Fills the page cache from a file of its own, which has no name and is gone when "
		"the hog ends, or from an existing one. The cache is reclaimable: 'touched' counts "
		"the pages that went through, not those still cached.",
	.opts = opts,
	.values_size = sizeof(struct values),
	.defaults =
		&(const struct values){
			.pace = HOG_PACE_DEFAULTS,
			.dir = "/var/tmp",
			.size_bytes = 1 << 30,
		},
	.needs = WL_MEMORY | WL_FILES,
	.free_running = true,
	.disk = true,
	.setup = setup,
	.alloc = alloc,
	.free = release,
	.run = run,
};

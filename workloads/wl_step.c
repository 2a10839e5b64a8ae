/*
 * The workload 'step': allocates exactly when told, by a page fault or from within a system
 * call. The hog of lockstep scenarios; it has no pattern of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "workloads/hog_run.h"

enum { FD_ZERO_FILE = HOG_FD_FILE, FD_TMPFS_FILE };

static const char *const vias[] = {"touch", "read",	   "populate", "map-populate",
				   "mlock", "tmpfs-write", NULL};
enum { VIA_TOUCH, VIA_READ, VIA_POPULATE, VIA_MAP_POPULATE, VIA_MLOCK, VIA_TMPFS_WRITE };

struct values {
	int thp;
	int via;
	uint64_t written_bytes; /* state: to the tmpfs file */
};

static const struct opt opts[] = {
	{.name = "via",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct values, via),
	 .arg = "HOW",
	 .choices = vias,
	 .help = "what charges the memory: a store into each page, or a system call "
		 "(default touch)"},
	{.name = "thp",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct values, thp),
	 .arg = "MODE",
	 .choices = hog_thp_names,
	 .help = "transparent huge pages (default never)"},
	OPT_END,
};

/* ---- the ways ------------------------------------------------------------------------------ */

/* read(2) into untouched memory: the kernel's copy faults the pages in. */
static int via_read(struct hog *hog, struct values *values, uint64_t pages, char *start)
{
	uint64_t bytes = pages * hog->page_size, done = 0;
	int r = 0;

	(void)values;
	while (done < bytes && r == 0) {
		ssize_t n = read(FD_ZERO_FILE, start + done, bytes - done);

		if (n > 0)
			done += (uint64_t)n;
		else if (n < 0 && errno != EINTR)
			r = -errno;
	}
	hog_count(hog, hog_pages(hog, done));
	hog_region_claim(hog, hog_pages(hog, done));
	return r;
}

/* What the call made resident counts, also when it failed half way: it works from the start. */
static int count_resident(struct hog *hog, char *start, uint64_t pages, int r)
{
	uint64_t resident = hog_resident(hog, start, pages);

	hog_count(hog, resident);
	hog_region_claim(hog, resident);
	return r;
}

static int via_populate(struct hog *hog, struct values *values, uint64_t pages, char *start)
{
	int r = madvise(start, pages * hog->page_size, MADV_POPULATE_WRITE) < 0 ? -errno : 0;

	(void)values;
	return count_resident(hog, start, pages, r);
}

/* mmap(2) succeeds although MAP_POPULATE could not: the receipt's done_pages tells. */
static int via_map_populate(struct hog *hog, struct values *values, uint64_t pages, char *start)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE;
	void *got = mmap(start, pages * hog->page_size, PROT_READ | PROT_WRITE, flags, -1, 0);

	(void)values;
	return count_resident(hog, start, pages, got == MAP_FAILED ? -errno : 0);
}

static int via_mlock(struct hog *hog, struct values *values, uint64_t pages, char *start)
{
	int r = mlock(start, pages * hog->page_size) < 0 ? -errno : 0;

	(void)values;
	return count_resident(hog, start, pages, r);
}

static int via_tmpfs_write(struct hog *hog, struct values *values, uint64_t pages, char *start)
{
	uint64_t bytes = pages * hog->page_size, done = 0;
	int r = 0;

	/* From the head page, which is there: the write itself charges only the file. */
	(void)start;
	while (done < bytes && r == 0) {
		ssize_t n = pwrite(FD_TMPFS_FILE, hog->region.base, hog->page_size,
				   (off_t)values->written_bytes);

		if (n > 0) {
			done += (uint64_t)n;
			values->written_bytes += (uint64_t)n;
			hog_count(hog, 1);
		} else if (n < 0 && errno != EINTR) {
			r = -errno;
		}
	}
	return r;
}

static int via_touch(struct hog *hog, struct values *values, uint64_t pages, char *start)
{
	(void)values;
	hog_touch(hog, start, pages);
	hog_region_claim(hog, pages);
	return 0;
}

static int (*const ways[])(struct hog *, struct values *, uint64_t pages, char *start) = {
	[VIA_TOUCH] = via_touch,
	[VIA_READ] = via_read,
	[VIA_POPULATE] = via_populate,
	[VIA_MLOCK] = via_mlock,
	[VIA_MAP_POPULATE] = via_map_populate,
	[VIA_TMPFS_WRITE] = via_tmpfs_write,
};

/* ---- the workload -------------------------------------------------------------------------- */

static int setup(struct hog *hog, void *data, struct err *err)
{
	struct values *values = data;
	int r = hog_region_open(hog, values->thp, err);

	if (r >= 0 && values->via == VIA_READ) {
		int fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
		r = fd < 0 ? err_errno(err, errno, "cannot open '/dev/zero'")
			   : hog_place_fd(fd, FD_ZERO_FILE, err);
	}
	if (r >= 0 && values->via == VIA_TMPFS_WRITE) {
		int fd = memfd_create("oomhog-step", MFD_CLOEXEC);
		r = fd < 0 ? err_errno(err, errno, "cannot make a file on tmpfs")
			   : hog_place_fd(fd, FD_TMPFS_FILE, err);
	}
	return r;
}

static int alloc(struct hog *hog, void *data, uint64_t bytes)
{
	struct values *values = data;
	uint64_t pages = hog_pages(hog, bytes);
	char *start;
	int r = hog_region_next(hog, pages, &start);

	return r < 0 || pages == 0 ? r : ways[values->via](hog, values, pages, start);
}

static int free_tmpfs(struct hog *hog, struct values *values, uint64_t bytes)
{
	uint64_t drop = bytes < values->written_bytes ? bytes : values->written_bytes;

	if (ftruncate(FD_TMPFS_FILE, (off_t)(values->written_bytes - drop)) < 0)
		return -errno;
	hog_uncount(hog, hog_pages(hog, drop));
	values->written_bytes -= drop;
	return 0;
}

static int release(struct hog *hog, void *data, uint64_t bytes)
{
	struct values *values = data;

	if (values->via == VIA_TMPFS_WRITE)
		return free_tmpfs(hog, values, bytes);
	/* Locked pages are not given back by MADV_DONTNEED. */
	if (values->via == VIA_MLOCK)
		(void)munlockall();
	return hog_region_drop(hog, bytes);
}

const struct wl wl_step = {
	.name = "step",
	.summary = "allocates when told, page by page or within a system call",
	.description =
		"Waits for commands and touches exactly as many pages as it is told; the number "
		"that fit below a limit can be computed beforehand.\n\n"
		"With --via, the memory is charged from within a system call. Where the kernel "
		"would pause a page fault (cgroup v1, oom_kill_disable), such a charge fails: "
		"read gives EFAULT after a short read, populate EFAULT or ENOMEM, mlock EAGAIN "
		"or ENOMEM, tmpfs-write ENOMEM; map-populate succeeds with pages missing.",
	.opts = opts,
	.values_size = sizeof(struct values),
	.defaults = &(const struct values){.via = VIA_TOUCH},
	.needs = WL_MEMORY | WL_FILES | WL_LOCK,
	.setup = setup,
	.alloc = alloc,
	.free = release,
};

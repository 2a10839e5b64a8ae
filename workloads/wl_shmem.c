/*
 * The workload 'shmem': shared memory of four kinds. A tmpfs file (memfd) outlives nobody here:
 * all are gone with the hog, SysV segments too, which are removed as soon as they are attached.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fd.h"
#include "workloads/hog_run.h"

enum { FD_DATA = HOG_FD_FILE };

static const char *const kinds[] = {"tmpfs", "memfd", "anon", "sysv", NULL};
enum { KIND_TMPFS, KIND_MEMFD, KIND_ANON, KIND_SYSV };

struct values {
	struct hog_pace pace;
	const char *path;
	const char *dir;
	int kind;
	/* state */
	void *scratch;
	uint64_t file_bytes; /* tmpfs, memfd */
	struct block *last;  /* anon, sysv, memfd */
};

/* At the start of each mapped block. */
struct block {
	struct block *before;
	uint64_t pages;
};

static const struct opt opts[] = {
	{.name = "kind",
	 .kind = OPT_CHOICE,
	 .offset = offsetof(struct values, kind),
	 .arg = "KIND",
	 .choices = kinds,
	 .help = "a tmpfs file that is written, a mapped memfd, a shared anonymous mapping or a "
		 "SysV segment a block (default tmpfs)"},
	{.name = "dir",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct values, dir),
	 .arg = "DIR",
	 .complete = "dir",
	 .help = "the tmpfs in which a file without a name is made (default /dev/shm)"},
	{.name = "path",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct values, path),
	 .arg = "FILE",
	 .complete = "file",
	 .help = "make the tmpfs file under this name, which must be free, and leave it there: it "
		 "outlives the hog"},
	HOG_PACE_OPTS(struct values),
	OPT_END,
};

/* ---- setup --------------------------------------------------------------------------------- */

static int open_tmpfs(const struct values *values, struct err *err)
{
	struct statfs fs;
	const char *what = values->path ? values->path : values->dir;
	int flags = values->path ? O_CREAT | O_EXCL | O_RDWR : O_TMPFILE | O_RDWR;
	FD_AUTO fd = fd_open_at(AT_FDCWD, what, flags, 0600, err);

	if (fd < 0)
		return fd;
	if (fstatfs(fd, &fs) < 0 || fs.f_type != TMPFS_MAGIC) {
		if (values->path)
			(void)unlink(values->path);
		return err_set(err, EINVAL, "'%s' is not on a tmpfs", what);
	}
	return hog_place_fd(fd_take(&fd), FD_DATA, err);
}

static int open_memfd(struct err *err)
{
	int fd = memfd_create("oomhog", MFD_CLOEXEC);

	return fd < 0 ? err_errno(err, errno, "cannot make a memfd")
		      : hog_place_fd(fd, FD_DATA, err);
}

static int setup(struct hog *hog, void *data, struct err *err)
{
	struct values *values = data;
	int r = hog_pace_check(&values->pace, err);

	if (r < 0)
		return r;
	values->scratch = hog_scratch(hog);
	if (!values->scratch)
		return err_errno(err, errno, "cannot map a buffer");
	if (values->path && values->kind != KIND_TMPFS)
		return err_set(err, EINVAL, "--path is for --kind tmpfs alone");
	if (values->kind == KIND_TMPFS)
		return open_tmpfs(values, err);
	return values->kind == KIND_MEMFD ? open_memfd(err) : 0;
}

/* ---- blocks -------------------------------------------------------------------------------- */

static int write_tmpfs(struct hog *hog, struct values *values, uint64_t pages)
{
	for (; pages > 0; pages--) {
		ssize_t n =
			pwrite(FD_DATA, values->scratch, hog->page_size, (off_t)values->file_bytes);

		if (n < 0 && errno == EINTR) {
			pages++;
			continue;
		}
		if (n < 0)
			return -errno;
		values->file_bytes += hog->page_size;
		hog_count(hog, 1);
	}
	return 0;
}

static void *map_memfd(struct hog *hog, struct values *values, uint64_t pages)
{
	uint64_t from = values->file_bytes, bytes = pages * hog->page_size;

	if (ftruncate(FD_DATA, (off_t)(from + bytes)) < 0)
		return NULL;
	void *got = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, FD_DATA, (off_t)from);
	if (got == MAP_FAILED)
		return NULL;
	values->file_bytes += bytes;
	return got;
}

static void *map_anon(struct hog *hog, struct values *values, uint64_t pages)
{
	void *got = mmap(NULL, pages * hog->page_size, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)values;
	return got == MAP_FAILED ? NULL : got;
}

static void *map_sysv(struct hog *hog, struct values *values, uint64_t pages)
{
	int id = shmget(IPC_PRIVATE, pages * hog->page_size, IPC_CREAT | SHM_NORESERVE | 0600);

	(void)values;
	if (id < 0)
		return NULL;
	void *got = shmat(id, NULL, 0);
	int saved = errno;
	/* Removed by the kernel with its last attachment, however the hog ends. */
	(void)shmctl(id, IPC_RMID, NULL);
	errno = saved;
	return (intptr_t)got == -1 ? NULL : got;
}

static void *(*const maps[])(struct hog *, struct values *, uint64_t pages) = {
	[KIND_MEMFD] = map_memfd,
	[KIND_ANON] = map_anon,
	[KIND_SYSV] = map_sysv,
};

static int alloc(struct hog *hog, void *data, uint64_t bytes)
{
	struct values *values = data;
	uint64_t pages = hog_pages(hog, bytes);

	if (pages == 0)
		return 0;
	if (values->kind == KIND_TMPFS)
		return write_tmpfs(hog, values, pages);
	struct block *block = maps[values->kind](hog, values, pages);
	if (!block)
		return -errno;
	hog_touch(hog, block, pages);
	*block = (struct block){.before = values->last, .pages = pages};
	values->last = block;
	return 0;
}

static int cut_file(struct hog *hog, struct values *values, uint64_t pages)
{
	uint64_t held = values->file_bytes / hog->page_size;

	if (pages > held)
		pages = held;
	if (ftruncate(FD_DATA, (off_t)(values->file_bytes - pages * hog->page_size)) < 0)
		return -errno;
	values->file_bytes -= pages * hog->page_size;
	return 0;
}

static int unmap_block(struct hog *hog, struct values *values)
{
	struct block *block = values->last, copy = *block;
	int r = values->kind == KIND_SYSV ? shmdt(block)
					  : munmap(block, copy.pages * hog->page_size);

	if (r < 0)
		return -errno;
	values->last = copy.before;
	hog_uncount(hog, copy.pages);
	return values->kind == KIND_MEMFD ? cut_file(hog, values, copy.pages) : 0;
}

/* Mapped kinds give whole blocks back, the last one first. */
static int release(struct hog *hog, void *data, uint64_t bytes)
{
	struct values *values = data;
	uint64_t pages = hog_pages(hog, bytes), before = hog->status->freed_pages;
	int r = 0;

	if (values->kind == KIND_TMPFS) {
		uint64_t held = values->file_bytes / hog->page_size;

		pages = pages < held ? pages : held;
		r = cut_file(hog, values, pages);
		if (r >= 0)
			hog_uncount(hog, pages);
		return r;
	}
	while (r >= 0 && values->last && hog->status->freed_pages - before < pages)
		r = unmap_block(hog, values);
	return r;
}

static int run(struct hog *hog, void *data)
{
	return hog_pace_run(hog, &((struct values *)data)->pace);
}

const struct wl wl_shmem = {
	.name = "shmem",
	.summary = "shared memory: tmpfs, memfd, shared anonymous, SysV",
	.description =
		"Fills shared memory. The pages of a tmpfs file that is only written belong to no "
		"process: killing the writer frees them only when the file has no name.",
	.opts = opts,
	.values_size = sizeof(struct values),
	.defaults = &(const struct values){.pace = HOG_PACE_DEFAULTS, .dir = "/dev/shm"},
	.needs = WL_MEMORY | WL_FILES | WL_SHM,
	.free_running = true,
	.setup = setup,
	.alloc = alloc,
	.free = release,
	.run = run,
};

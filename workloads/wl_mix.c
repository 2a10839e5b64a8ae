/*
 * The workload 'mix': a typed recipe of memory kinds, such as 40M anon + 20M file + 8M shmem,
 * filled part by part in that order.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "workloads/hog_run.h"
#include "workloads/recipe.h"

enum { FD_DISK = HOG_FD_FILE, FD_SHMEM };

struct values {
	const char *recipe;
	const char *dir;
	uint64_t interval_ns;
	/* state */
	void *scratch;
	struct recipe parsed;
	size_t part;	     /* under way */
	uint64_t part_pages; /* of it, done */
	uint64_t disk_bytes;
	uint64_t shmem_bytes;
	char *sparse; /* address space for page tables; opened before the confinement */
	uint64_t sparse_tables;
};

static const struct opt opts[] = {
	{.name = "recipe",
	 .letter = 'r',
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct values, recipe),
	 .arg = "RECIPE",
	 .help = "sizes and kinds (anon, file, shmem, mlock, tables, swapped) joined by + "
		 "(default '40M anon + 20M file + 8M shmem')"},
	{.name = "dir",
	 .kind = OPT_TEXT,
	 .offset = offsetof(struct values, dir),
	 .arg = "DIR",
	 .complete = "dir",
	 .help = "directory on a disk for the file parts (default /var/tmp)"},
	{.name = "interval",
	 .letter = 'i',
	 .kind = OPT_DURATION,
	 .offset = offsetof(struct values, interval_ns),
	 .arg = "TIME",
	 .help = "pause this long between two parts (default 0)"},
	OPT_END,
};

/* ---- setup --------------------------------------------------------------------------------- */

static bool has_kind(const struct recipe *recipe, enum recipe_kind kind)
{
	for (size_t i = 0; i < recipe->n; i++)
		if (recipe->part[i].kind == kind)
			return true;
	return false;
}

static int open_disk(const struct values *values, struct err *err)
{
	struct statfs fs;
	FD_AUTO fd = fd_open_at(AT_FDCWD, values->dir, O_TMPFILE | O_RDWR, 0600, err);

	if (fd < 0)
		return fd;
	if (fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC)
		return err_set(err, EINVAL,
			       "'%s' is a tmpfs, whose pages are shmem; give --dir on "
			       "a disk",
			       values->dir);
	return hog_place_fd(fd_take(&fd), FD_DISK, err);
}

/* What one page table maps. */
static uint64_t table_bytes(const struct hog *hog)
{
	return hog->page_size / sizeof(uint64_t) * hog->page_size;
}

static uint64_t count_tables(const struct hog *hog, const struct recipe *recipe)
{
	uint64_t tables = 0;

	for (size_t i = 0; i < recipe->n; i++)
		if (recipe->part[i].kind == RECIPE_TABLES)
			tables += hog_pages(hog, recipe->part[i].bytes);
	return tables;
}

/* Huge zero pages would need no tables: the hog's THP setting forbids them. */
static int open_sparse(struct hog *hog, struct values *values, struct err *err)
{
	uint64_t tables = count_tables(hog, &values->parsed);

	if (tables == 0)
		return 0;
	if (tables > (1ULL << 46) / table_bytes(hog))
		return err_set(err, EINVAL, "%llu page tables are more than address space has",
			       (unsigned long long)tables);
	void *got = mmap(NULL, (tables + 1) * table_bytes(hog), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (got == MAP_FAILED)
		return err_errno(err, errno, "cannot map room for %llu page tables",
				 (unsigned long long)tables);
	/* From the first whole table on: what is left in front may be in use by others. */
	uintptr_t at = ((uintptr_t)got + table_bytes(hog) - 1) & ~(table_bytes(hog) - 1);
	values->sparse = (char *)at; /* NOLINT: rounded up within the mapping */
	return 0;
}

static int setup(struct hog *hog, void *data, struct err *err)
{
	struct values *values = data;
	int r = recipe_parse(values->recipe, &values->parsed, err);

	if (r < 0)
		return err_wrap(err, "--recipe '%s'", values->recipe);
	r = hog_region_open(hog, HOG_THP_NEVER, err);
	if (r >= 0 && has_kind(&values->parsed, RECIPE_FILE))
		r = open_disk(values, err);
	if (r >= 0 && has_kind(&values->parsed, RECIPE_SHMEM)) {
		int fd = memfd_create("oomhog-mix", MFD_CLOEXEC);
		r = fd < 0 ? err_errno(err, errno, "cannot make a memfd")
			   : hog_place_fd(fd, FD_SHMEM, err);
	}
	if (r >= 0)
		r = open_sparse(hog, values, err);
	values->scratch = hog_scratch(hog);
	if (r >= 0 && !values->scratch)
		r = err_errno(err, errno, "cannot map a buffer");
	return r < 0 ? r : 0;
}

/* ---- filling, page by page ----------------------------------------------------------------- */

static int fill_anon(struct hog *hog, struct values *values)
{
	(void)values;
	return hog_region_touch(hog, hog->page_size);
}

static int fill_locked(struct hog *hog, struct values *values)
{
	char *page;
	int r = hog_region_next(hog, 1, &page);

	(void)values;
	if (r < 0)
		return r;
	if (mlock(page, hog->page_size) < 0)
		return -errno;
	hog_count(hog, 1);
	hog_region_claim(hog, 1);
	return 0;
}

static int write_page(struct hog *hog, const struct values *values, int fd, uint64_t *at_bytes)
{
	ssize_t n;

	do {
		n = pwrite(fd, values->scratch, hog->page_size, (off_t)*at_bytes);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	*at_bytes += hog->page_size;
	hog_count(hog, 1);
	return 0;
}

static int fill_file(struct hog *hog, struct values *values)
{
	return write_page(hog, values, FD_DISK, &values->disk_bytes);
}

static int fill_shmem(struct hog *hog, struct values *values)
{
	return write_page(hog, values, FD_SHMEM, &values->shmem_bytes);
}

/* A load maps the zero page, which costs nothing but the table that it is entered in. */
static int fill_table(struct hog *hog, struct values *values)
{
	hog_peek(hog, values->sparse + values->sparse_tables * table_bytes(hog), 1);
	values->sparse_tables++;
	return 0;
}

static int (*const fills[])(struct hog *, struct values *) = {
	[RECIPE_ANON] = fill_anon,    [RECIPE_FILE] = fill_file,    [RECIPE_SHMEM] = fill_shmem,
	[RECIPE_MLOCK] = fill_locked, [RECIPE_TABLES] = fill_table, [RECIPE_SWAPPED] = fill_anon,
};

/* What is done when a part is complete. Where there is no swap the call moves nothing. */
static int finish_part(struct hog *hog, const struct values *values)
{
	const struct hog_region *region = &hog->region;
	uint64_t pages = values->part_pages;

	if (values->parsed.part[values->part].kind != RECIPE_SWAPPED)
		return 0;
	char *start = region->base + (region->used_pages - pages + 1) * hog->page_size;
	return madvise(start, pages * hog->page_size, MADV_PAGEOUT) < 0 ? -errno : 0;
}

/* Goes on with the recipe where it stands; -ENOSPC when it is used up. */
static int alloc(struct hog *hog, void *data, uint64_t bytes)
{
	struct values *values = data;

	for (uint64_t pages = hog_pages(hog, bytes); pages > 0; pages--) {
		if (values->part == values->parsed.n)
			return -ENOSPC;
		int r = fills[values->parsed.part[values->part].kind](hog, values);
		if (r < 0)
			return r;
		if (++values->part_pages < hog_pages(hog, values->parsed.part[values->part].bytes))
			continue;
		r = finish_part(hog, values);
		values->part++;
		values->part_pages = 0;
		if (r < 0)
			return r;
	}
	return 0;
}

static int free_locked(struct hog *hog)
{
	const struct hog_region *region = &hog->region;

	if (region->used_pages && munlock(region->base, (region->used_pages + 1) * hog->page_size))
		return -errno;
	return hog_region_drop(hog, UINT64_MAX);
}

/* All of it or nothing: the recipe starts anew. */
static int release(struct hog *hog, void *data, uint64_t bytes)
{
	struct values *values = data;

	if (bytes < *hog->touched * hog->page_size)
		return -ENOTSUP;
	int r = free_locked(hog);
	if (r < 0)
		return r;
	if (values->disk_bytes && ftruncate(FD_DISK, 0) < 0)
		return -errno;
	if (values->shmem_bytes && ftruncate(FD_SHMEM, 0) < 0)
		return -errno;
	if (values->sparse_tables &&
	    madvise(values->sparse, values->sparse_tables * table_bytes(hog), MADV_DONTNEED) < 0)
		return -errno;
	hog_uncount(hog, *hog->touched);
	values->sparse_tables = 0;
	values->disk_bytes = values->shmem_bytes = 0;
	values->part = 0;
	values->part_pages = 0;
	return 0;
}

static int run(struct hog *hog, void *data)
{
	struct values *values = data;
	int r = 0;

	while (r >= 0 && values->part < values->parsed.n) {
		uint64_t part = values->parsed.part[values->part].bytes, began = clock_ns();
		uint64_t bytes = part - values->part_pages * hog->page_size;

		hog->status->asked_bytes = hog->status->asked_bytes + bytes;
		r = alloc(hog, values, bytes);
		hog_say_progress(hog, bytes, began);
		hog_wait(hog, clock_ns() + hog_pace_pause(hog, values->interval_ns), false);
	}
	return r;
}

const struct wl wl_mix = {
	.name = "mix",
	.summary = "a recipe of anonymous, file, shared, locked and swapped memory and page tables",
	.description =
		"Fills its recipe part by part. File parts are written, shmem parts are "
		"written to a memfd, mlock parts are locked page by page. A tables part is page "
		"tables alone: one load in each piece of address space that a table maps. A "
		"swapped part is anonymous memory that goes to swap as soon as it is complete "
		"(MADV_PAGEOUT, since 5.4).",
	.opts = opts,
	.values_size = sizeof(struct values),
	.defaults =
		&(const struct values){
			.recipe = "40M anon + 20M file + 8M shmem",
			.dir = "/var/tmp",
		},
	.needs = WL_MEMORY | WL_FILES | WL_LOCK,
	.free_running = true,
	.disk = true,
	.setup = setup,
	.alloc = alloc,
	.free = release,
	.run = run,
};

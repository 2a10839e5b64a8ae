/*
 * The workload 'hugetlb': pages of the kernel's pool of huge pages (vm.nr_hugepages), private to
 * the process. They are no rss: neither ps nor the OOM killer's score has them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/fd.h"
#include "workloads/hog_run.h"

/* At the start of each mapping. */
struct block {
	struct block *before;
	uint64_t pages;
};

struct values {
	struct hog_pace pace;
	/* state */
	uint64_t huge_bytes;
	struct block *last;
};

static const struct opt opts[] = {HOG_PACE_OPTS(struct values), OPT_END};

static int setup(struct hog *hog, void *data, struct err *err)
{
	static const char name[] = "Hugepagesize:";
	struct values *values = data;
	char text[8192];
	int r = fd_read_text(AT_FDCWD, "/proc/meminfo", text, sizeof(text), err);

	(void)hog;
	if (r < 0)
		return r;
	const char *line = strstr(text, name);
	values->huge_bytes = line ? strtoull(line + strlen(name), NULL, 10) * 1024 : 0;
	if (!values->huge_bytes)
		return err_set(err, EOPNOTSUPP, "this kernel has no huge pages (CONFIG_HUGETLBFS)");
	/* A smaller block would take a whole page all the same, and 'total' would be passed. */
	if (values->pace.block_bytes < values->huge_bytes)
		values->pace.block_bytes = values->huge_bytes;
	values->pace.unit_bytes = values->huge_bytes;
	return hog_pace_check(&values->pace, err);
}

/* mmap takes them from the pool or fails: a touch cannot find it empty. */
static int alloc(struct hog *hog, void *data, uint64_t bytes)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB;
	struct values *values = data;
	uint64_t huge = (bytes + values->huge_bytes - 1) / values->huge_bytes;
	uint64_t size = huge * values->huge_bytes;

	if (huge == 0)
		return 0;
	struct block *block = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, -1, 0);
	if ((void *)block == MAP_FAILED)
		return -errno;
	hog_touch(hog, block, size / hog->page_size);
	*block = (struct block){.before = values->last, .pages = size / hog->page_size};
	values->last = block;
	return 0;
}

/* Whole mappings, the last one first. */
static int release(struct hog *hog, void *data, uint64_t bytes)
{
	struct values *values = data;
	uint64_t pages = hog_pages(hog, bytes);

	for (uint64_t freed = 0; values->last && freed < pages;) {
		struct block copy = *values->last;
		if (munmap(values->last, copy.pages * hog->page_size) < 0)
			return -errno;
		hog_uncount(hog, copy.pages);
		values->last = copy.before;
		freed += copy.pages;
	}
	return 0;
}

static int run(struct hog *hog, void *data)
{
	return hog_pace_run(hog, &((struct values *)data)->pace);
}

const struct wl wl_hugetlb = {
	.name = "hugetlb",
	.summary = "touches huge pages from the kernel's pool",
	.description =
		"Maps and touches pages of hugetlb's default size, rounded up to whole ones; "
		"vm.nr_hugepages must provide them. The group's limit and the OOM killer's score "
		"do not see them.",
	.opts = opts,
	.values_size = sizeof(struct values),
	.defaults = &(const struct values){.pace = HOG_PACE_DEFAULTS},
	.needs = WL_MEMORY,
	.free_running = true,
	.setup = setup,
	.alloc = alloc,
	.free = release,
	.run = run,
};

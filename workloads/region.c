/*
 * The hog's region: address space with page tables of its own, opened before READY, so that
 * later touches cost exactly what layout.h computes. Called by workloads that are exact
 * (step, fault, mlock, fork, threads, ...).
 */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/sysinfo.h>

#include "base/parse.h"
#include "workloads/hog_run.h"

const char *const hog_thp_names[] = {"never", "always", "system", NULL};

static const int thp_advice[] = {
	[HOG_THP_NEVER] = MADV_NOHUGEPAGE,
	[HOG_THP_ALWAYS] = MADV_HUGEPAGE,
	[HOG_THP_SYSTEM] = -1,
};

/* What one PUD page maps: 512 GiB with 4 KiB pages. */
static uint64_t slot_bytes(const struct hog *hog)
{
	uint64_t entries = hog->page_size / sizeof(uint64_t);

	return entries * entries * entries * hog->page_size;
}

/* More than RAM and swap together cannot be touched. */
static uint64_t wanted_bytes(const struct hog *hog)
{
	struct sysinfo info;
	uint64_t bytes = 1ULL << 40;

	if (sysinfo(&info) == 0)
		bytes = ((uint64_t)info.totalram + info.totalswap) * info.mem_unit;
	bytes += hog->page_size;
	return bytes < slot_bytes(hog) ? bytes & ~(hog->page_size - 1) : slot_bytes(hog);
}

/* An own slot, far from where the kernel puts things (below 2^47 on x86-64, 2^48 on arm64); the
 * next ones are for children that still see their parent's. */
static void *map_slot(const struct hog *hog, uint64_t bytes)
{
	enum { FIRST_SLOT = 32, SLOTS = 64 };
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE;

	for (uint64_t slot = FIRST_SLOT; slot < FIRST_SLOT + SLOTS; slot++) {
		/* An address of our choice is the point. */
		void *want = (void *)(uintptr_t)(slot * slot_bytes(hog)); /* NOLINT */
		void *got = mmap(want, bytes, PROT_NONE, flags, -1, 0);

		if (got != MAP_FAILED || errno != EEXIST)
			return got;
	}
	return MAP_FAILED;
}

static int open_pages(struct hog *hog, uint64_t pages)
{
	struct hog_region *region = &hog->region;

	if (mprotect(region->base, (pages + 1) * hog->page_size, PROT_READ | PROT_WRITE) < 0)
		return -errno;
	region->open_pages = pages;
	hog->status->reserved_bytes = pages * hog->page_size;
	return 0;
}

int hog_region_open(struct hog *hog, int thp, struct err *err)
{
	/* A forked child opens its own, as large as its parent's. */
	uint64_t bytes = hog->region.room_pages ? (hog->region.room_pages + 1) * hog->page_size
						: wanted_bytes(hog);
	uint64_t least = 16 * hog->page_size;
	char text[PARSE_TEXT_MAX];
	void *base;

	/* Halved while RLIMIT_AS is in the way. */
	while ((base = map_slot(hog, bytes)) == MAP_FAILED && errno == ENOMEM && bytes > least)
		bytes = (bytes / 2) & ~(hog->page_size - 1);
	if (base == MAP_FAILED)
		return err_errno(err, errno, "cannot reserve %s of address space",
				 format_size_short(bytes, text));
	hog->region = (struct hog_region){
		.base = base,
		.room_pages = bytes / hog->page_size - 1,
	};
	if (thp != HOG_THP_NEVER)
		(void)prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
	if (thp_advice[thp] >= 0 && madvise(base, bytes, thp_advice[thp]) < 0 && errno != EINVAL)
		return err_errno(err, errno, "cannot set the THP mode '%s'", hog_thp_names[thp]);
	/* Strict overcommit (vm.overcommit_memory=2) ignores MAP_NORESERVE and refuses: then the
	 * room is opened piece by piece, and a refusal is an allocation's ENOMEM. */
	if (open_pages(hog, hog->region.room_pages) < 0 && open_pages(hog, 0) < 0)
		return err_errno(err, errno, "cannot open the region");
	*(volatile char *)base = 1;
	return 0;
}

int hog_region_next(struct hog *hog, uint64_t pages, char **ret)
{
	struct hog_region *region = &hog->region;

	if (pages > region->room_pages - region->used_pages)
		return -ENOMEM;
	if (region->used_pages + pages > region->open_pages) {
		int r = open_pages(hog, region->used_pages + pages);

		if (r < 0)
			return r;
	}
	*ret = region->base + (region->used_pages + 1) * hog->page_size;
	return 0;
}

void hog_region_claim(struct hog *hog, uint64_t pages)
{
	hog->region.used_pages += pages;
}

int hog_region_touch(struct hog *hog, uint64_t bytes)
{
	uint64_t pages = hog_pages(hog, bytes);
	char *start;
	int r = hog_region_next(hog, pages, &start);

	if (r < 0)
		return r;
	hog_touch(hog, start, pages);
	hog_region_claim(hog, pages);
	return 0;
}

int hog_region_drop(struct hog *hog, uint64_t bytes)
{
	struct hog_region *region = &hog->region;
	uint64_t pages = hog_pages(hog, bytes);

	if (pages > region->used_pages)
		pages = region->used_pages;
	if (pages == 0)
		return 0;
	char *start = region->base + (region->used_pages - pages + 1) * hog->page_size;
	if (madvise(start, pages * hog->page_size, MADV_DONTNEED) < 0)
		return -errno;
	region->used_pages -= pages;
	hog_uncount(hog, pages);
	return 0;
}

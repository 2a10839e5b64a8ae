/*
 * Touching memory so that no compiler removes it and every page is accounted for: a volatile
 * store into the page, then one into the status page, which outlives the hog. Called by the
 * workloads and the region. No system calls but mincore, no allocation.
 */
#include <string.h>
#include <sys/mman.h>

#include "workloads/hog_run.h"

uint64_t hog_pages(const struct hog *hog, uint64_t bytes)
{
	return bytes / hog->page_size + (bytes % hog->page_size != 0);
}

void *hog_scratch(const struct hog *hog)
{
	void *page = mmap(NULL, hog->page_size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return page == MAP_FAILED ? NULL : page;
}

void hog_count(struct hog *hog, uint64_t pages)
{
	*hog->touched = *hog->touched + pages;
	*hog->total = *hog->total + pages;
}

void hog_uncount(struct hog *hog, uint64_t pages)
{
	uint64_t held = *hog->touched;

	if (pages > held)
		pages = held;
	*hog->touched = held - pages;
	hog->status->freed_pages = hog->status->freed_pages + pages;
}

void hog_touch(struct hog *hog, void *start, uint64_t pages)
{
	volatile uint64_t *touched = hog->touched, *total = hog->total;
	uint64_t held = *touched, ever = *total;
	size_t step = hog->page_size;
	volatile char *at = start;

	for (uint64_t i = 0; i < pages; i++, at += step) {
		*at = 1;
		*touched = ++held;
		*total = ++ever;
	}
}

void hog_peek(struct hog *hog, const void *start, uint64_t pages)
{
	const volatile char *at = start;

	for (uint64_t i = 0; i < pages; i++, at += hog->page_size) {
		(void)*at;
		hog_count(hog, 1);
	}
}

void hog_zero(struct hog *hog, void *start, uint64_t bytes)
{
	char *at = start, *end = at + bytes;

	while (at < end) {
		size_t rest = hog->page_size - ((uintptr_t)at & (hog->page_size - 1));
		size_t n = rest < (size_t)(end - at) ? rest : (size_t)(end - at);

		*(volatile char *)at = 0;
		hog_count(hog, 1);
		memset(at, 0, n);
		/* The stores must happen although nobody reads them. */
		__asm__ volatile("" : : "r"(at) : "memory");
		at += n;
	}
}

uint64_t hog_resident(struct hog *hog, void *start, uint64_t pages)
{
	enum { CHUNK = 512 };
	unsigned char seen[CHUNK];
	char *at = start;
	uint64_t sum = 0;

	while (pages > 0) {
		size_t n = pages < CHUNK ? (size_t)pages : CHUNK;

		if (mincore(at, n * hog->page_size, seen) < 0)
			break;
		for (size_t i = 0; i < n; i++)
			sum += seen[i] & 1;
		at += n * hog->page_size;
		pages -= n;
	}
	return sum;
}

/*
 * See layout.h.
 */
#include "workloads/layout.h"

static uint64_t div_up(uint64_t n, uint64_t by)
{
	return n / by + (n % by != 0);
}

static uint64_t tables(uint64_t pages, uint64_t page_size)
{
	uint64_t entries = page_size / sizeof(uint64_t), sum = 0;

	for (int level = 0; level < 3; level++) {
		pages = div_up(pages, entries);
		sum += pages;
	}
	return sum;
}

uint64_t hog_table_pages(uint64_t pages, uint64_t page_size)
{
	return tables(pages + 1, page_size) - tables(1, page_size);
}

uint64_t hog_fit_pages(uint64_t free_pages, uint64_t touched_pages, uint64_t page_size)
{
	uint64_t before = hog_table_pages(touched_pages, page_size);
	uint64_t low = 0, high = free_pages;

	while (low < high) {
		uint64_t middle = low + (high - low + 1) / 2;
		uint64_t after = hog_table_pages(touched_pages + middle, page_size);

		if (middle + after - before <= free_pages)
			low = middle;
		else
			high = middle - 1;
	}
	return low;
}

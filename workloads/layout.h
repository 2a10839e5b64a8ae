/*
 * How many pages of page tables the kernel charges for a hog's memory: pure arithmetic, so that
 * the harness can say beforehand at which page a hog will be killed. Needs libc alone.
 *
 * A hog's region (hog_run.h) starts at an address whose last-but-top table is not shared with
 * anything else, and its page 0, the head, is touched before READY. With E = page_size / 8
 * entries a table, the first n pages after the head lie in pages 1..n of the region, so
 *   tables(k) = ceil(k / E) + ceil(k / E^2) + ceil(k / E^3)        PTE, PMD and PUD pages
 *   charged since READY = tables(n + 1) - tables(1)
 * The top level (x86-64: PGD, and P4D where LA57 is on) exists since exec. Verified on x86-64
 * with 4 KiB pages (kernel 6.18); arm64 with 4 KiB pages and 48 bits has the same geometry.
 */
#ifndef OOMLAB_WORKLOADS_LAYOUT_H
#define OOMLAB_WORKLOADS_LAYOUT_H

#include <stdint.h>

/* Page-table pages charged since READY once the first 'pages' pages are touched. */
uint64_t hog_table_pages(uint64_t pages, uint64_t page_size);

/* How many more pages a hog that holds its first 'touched_pages' can touch while its group has
 * room for 'free_pages': the largest n with n + new tables <= free_pages. */
uint64_t hog_fit_pages(uint64_t free_pages, uint64_t touched_pages, uint64_t page_size);

#endif

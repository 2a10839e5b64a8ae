/*
 * harness/exec/meminfo: the texts of /proc/meminfo and /proc/zoneinfo. The zones are those of a
 * machine with two CPUs (6.18), shortened.
 */
#include <check.h>

#include "harness/exec/meminfo.h"

Suite *meminfo_suite(void);

static const char zones[] = "Node 0, zone    DMA32\n"
			    "  per-node stats\n"
			    "      nr_inactive_anon 40\n"
			    "  pages free     7000\n"
			    "        boost    0\n"
			    "        min      25\n"
			    "        low      41\n"
			    "        high     57\n"
			    "        protection: (0, 0, 1200, 1240, 1240)\n"
			    "      nr_free_pages 7000\n"
			    "  pagesets\n"
			    "    cpu: 0\n"
			    "              count:    62\n"
			    "              high:     1079\n"
			    "              high_min: 900\n"
			    "    cpu: 1\n"
			    "              count: 5\n"
			    "              high:  1079\n"
			    "Node 0, zone   Normal\n"
			    "  pages free     300\n"
			    "        high     500\n"
			    "        protection: (0, 0, 0, 0, 0)\n"
			    "  pagesets\n"
			    "    cpu: 0\n"
			    "              count:    0\n"
			    "    cpu: 1\n"
			    "              count:    9\n"
			    "Node 0, zone  Movable\n"
			    "  pages free     0\n"
			    "        high     32\n"
			    "        protection: (0, 0, 0, 0, 0)\n";

START_TEST(lines_are_found_by_their_beginning)
{
	static const char text[] = "MemTotal:         500 kB\n"
				   "SwapCached:         1 kB\n"
				   "Cached:            20 kB\n"
				   "MemAvailable:     300 kB\n";

	ck_assert_uint_eq(meminfo_bytes(text, "MemTotal:"), 500 * 1024);
	ck_assert_uint_eq(meminfo_bytes(text, "Cached:"), 20 * 1024);
	ck_assert_uint_eq(meminfo_bytes(text, "MemAvailable:"), 300 * 1024);
	ck_assert_uint_eq(meminfo_bytes(text, "Available:"), 0);
	ck_assert_uint_eq(meminfo_bytes("", "MemTotal:"), 0);
}
END_TEST

START_TEST(every_zone_and_every_cpu_counts)
{
	struct zoneinfo info;

	zoneinfo_read(zones, &info);
	ck_assert_uint_eq(info.free_pages, 7300);
	ck_assert_uint_eq(info.cpu_pages, 62 + 5 + 9);
	ck_assert_uint_eq(info.above_pages, 7000 - 57 - 1240); /* the others are below */
	zoneinfo_read("", &info);
	ck_assert_uint_eq(info.free_pages + info.cpu_pages + info.above_pages, 0);
}
END_TEST

Suite *meminfo_suite(void)
{
	Suite *suite = suite_create("meminfo");
	TCase *tests = tcase_create("meminfo");

	tcase_add_test(tests, lines_are_found_by_their_beginning);
	tcase_add_test(tests, every_zone_and_every_cpu_counts);
	suite_add_tcase(suite, tests);
	return suite;
}

/*
 * What stands in front of a kernel message, in every log that carries one: a kill must be found
 * behind it, with the time that the prefix tells; and a daemon's line must not pass for a kernel's.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/oomlog_rig.h"

#define KILL                                                                                     \
	"Out of memory: Killed process 4711 (mill) total-vm:40kB, anon-rss:20kB, file-rss:4kB, " \
	"shmem-rss:0kB, UID:7 pgtables:12kB oom_score_adj:-5"

struct prefix_case {
	const char *line;
	const char *date;     /* "": none */
	uint64_t mono_us;     /* 0: none */
	int64_t unix_seconds; /* 0: none */
};

static const struct prefix_case cases[] = {
	{KILL, "", 0, 0},
	{"[   12.345678] " KILL, "", 12345678, 0},
	{"[99999.000001][ T4711] " KILL, "", 99999000001, 0},
	{"[99999.000001][    C1] " KILL, "", 99999000001, 0},
	{"<3>[   12.345678] " KILL, "", 12345678, 0},
	{"kern  :err   : [   12.345678] " KILL, "", 12345678, 0},
	{"[Mon Feb  3 04:05:06 2025] " KILL, "Mon Feb  3 04:05:06 2025", 0, 0},
	{"[lun. 3 f\xc3\xa9vrier 04:05:06 2025] " KILL, "lun. 3 f\xc3\xa9vrier 04:05:06 2025", 0,
	 0},
	{"[Feb03 04:05] " KILL, "Feb03 04:05", 0, 0},
	{"[  +0.000012] " KILL, "", 0, 0},
	{"Feb  3 04:05:06 ash kernel: " KILL, "Feb  3 04:05:06", 0, 0},
	{"Feb  3 04:05:06 ash kernel: [   12.345678] " KILL, "Feb  3 04:05:06", 12345678, 0},
	{"Feb  3 04:05:06 ash kernel:[   12.345678] " KILL, "Feb  3 04:05:06", 12345678, 0},
	{"Feb  3 04:05:06 kernel: " KILL, "Feb  3 04:05:06", 0, 0},
	{"Feb  3 04:05:06 ash kern.err kernel: [   12.345678] " KILL, "Feb  3 04:05:06", 12345678,
	 0},
	{"Mon Feb  3 04:05:06 2025 kern.err kernel: [   12.345678] " KILL, "Feb  3 04:05:06 2025",
	 12345678, 0},
	{"2025-02-03T04:05:06.250000+01:00 ash kernel: [   12.345678] " KILL,
	 "2025-02-03T04:05:06.250000+01:00", 12345678, 1738551906},
	{"2025-02-03T04:05:06+0000 ash kernel: " KILL, "2025-02-03T04:05:06+0000", 0, 1738555506},
	{"2025-02-03T04:05:06,250000+00:00 " KILL, "2025-02-03T04:05:06,250000+00:00", 0,
	 1738555506},
	{"Mon 2025-02-03 04:05:06 UTC ash kernel: " KILL, "2025-02-03 04:05:06", 0, 0},
	{"1738555506.250000 ash kernel: " KILL, "", 0, 1738555506},
	{"[   12.345678] ash kernel: " KILL, "", 12345678, 0},
	{"<3>1 2025-02-03T04:05:06.003Z ash kernel - - - " KILL, "2025-02-03T04:05:06.003Z", 0,
	 1738555506},
	{"<3>1 2025-02-03T04:05:06Z ash kernel 1 - [a@1 b=\"c]d\"] " KILL, "2025-02-03T04:05:06Z",
	 0, 1738555506},
	{"3,1234,12345678,-;" KILL, "", 12345678, 0},
	{"3,1234,12345678,-,caller=T4711;" KILL, "", 12345678, 0},
	{"2025-02-03T04:05:06.123456789Z stderr F " KILL, "2025-02-03T04:05:06.123456789Z", 0,
	 1738555506},
	{"2025-02-03T04:05:06.123456789Z [   12.345678] " KILL, "2025-02-03T04:05:06.123456789Z",
	 12345678, 1738555506},
	{"{\"log\":\"[   12.345678] " KILL
	 "\\n\",\"stream\":\"stderr\",\"time\":\"2025-02-03T04:05:06Z\"}",
	 "2025-02-03T04:05:06Z", 12345678, 1738555506},
	{"{\"__REALTIME_TIMESTAMP\":\"1738555506250000\",\"_TRANSPORT\":\"kernel\","
	 "\"PRIORITY\":\"3\",\"MESSAGE\":\"" KILL
	 "\",\"_SOURCE_MONOTONIC_TIMESTAMP\":\"12345678\",\"SYSLOG_IDENTIFIER\":\"kernel\"}",
	 "", 12345678, 1738555506},
	{"> " KILL, "", 0, 0},
	{"> > [   12.345678] " KILL, "", 12345678, 0},
	{"\x1b[32m[   12.345678] \x1b[0m\x1b[31m" KILL "\x1b[0m", "", 12345678, 0},
	{"[   12.345678]\xc2\xa0" KILL, "", 12345678, 0},
	{"kmsg-1  | [   12.345678] " KILL "\r", "", 12345678, 0},
};

START_TEST(kill_behind_each_prefix)
{
	const struct prefix_case *c = &cases[_i];
	struct oomlog_rig *rig = oomlog_rig_text(c->line);

	ck_assert_msg(rig->n == 1, "%zu reports in: %s", rig->n, c->line);
	const struct oom_report *r = &rig->reports[0];
	ck_assert_uint_eq(r->n_kills, 1);
	ck_assert_int_eq(r->kills[0].pid, 4711);
	ck_assert_str_eq(r->kills[0].comm, "mill");
	ck_assert_int_eq(r->kills[0].oom_score_adj, -5);
	ck_assert_uint_eq(r->kills[0].pgtables.raw, 12);
	ck_assert_str_eq(r->kills[0].time.text, c->date);
	ck_assert_msg(r->kills[0].time.has_mono == (c->mono_us != 0), "%s", c->line);
	ck_assert_uint_eq(r->kills[0].time.mono_us, c->mono_us);
	ck_assert_msg(r->kills[0].time.has_unix == (c->unix_seconds != 0), "%s", c->line);
	if (c->unix_seconds)
		ck_assert_int_eq(r->kills[0].time.unix_us / 1000000, c->unix_seconds);
	oomlog_rig_free(rig);
}
END_TEST

START_TEST(message_as_bytes)
{
	char line[4096], *at = line;
	struct oomlog_rig *rig;

	at += sprintf(at, "{\"_TRANSPORT\":\"kernel\",\"MESSAGE\":[");
	static const char kill[] = KILL;
	for (size_t i = 0; kill[i]; i++)
		at += sprintf(at, "%s%d", i ? "," : "", kill[i]);
	sprintf(at, "]}\n");
	/* behind so many other lines that only what triggers is looked at */
	char *text = calloc(1, 200 * 16 + sizeof(line));
	for (int i = 0; i < 200; i++)
		strcat(text, "{\"MESSAGE\":\"\"}\n");
	strcat(text, line);
	rig = oomlog_rig_text(text);
	ck_assert_uint_eq(rig->n, 1);
	ck_assert_int_eq(rig->reports[0].kills[0].pid, 4711);
	ck_assert_uint_eq(rig->reports[0].kills[0].line, 201);
	oomlog_rig_free(rig);
	free(text);
}
END_TEST

START_TEST(daemons_are_no_kernel)
{
	static const char *const lines[] = {
		"Feb  3 04:05:06 ash logger[12]: " KILL,
		"{\"_TRANSPORT\":\"syslog\",\"SYSLOG_IDENTIFIER\":\"x\",\"MESSAGE\":\"" KILL "\"}",
		"11,1234,12345678,-;" KILL,
		"user  :err   : [   12.345678] " KILL,
		"<11>1 2025-02-03T04:05:06.003Z ash app 12 - - " KILL,
		"[   12.345678] app[12]: " KILL,
		NULL};

	for (int i = 0; lines[i]; i++) {
		struct oomlog_rig *rig = oomlog_rig_text(lines[i]);
		ck_assert_msg(rig->n == 0, "%s", lines[i]);
		oomlog_rig_free(rig);
	}
}
END_TEST

START_TEST(years_of_dates_without_one)
{
	struct oomlog_options options = {.now_unix_us = 1738555507LL * 1000000};
	const char *before = "Feb  3 04:05:06 ash kernel: " KILL;
	const char *after = "Feb  5 04:05:06 ash kernel: " KILL;
	int64_t day = 86400LL * 1000000;

	setenv("TZ", "UTC", 1);
	struct oomlog_rig *rig = oomlog_rig_read(before, strlen(before), 0, &options);
	ck_assert(rig->reports[0].first_time.has_unix);
	ck_assert_int_eq(rig->reports[0].first_time.unix_us, 1738555506LL * 1000000);
	oomlog_rig_free(rig);
	rig = oomlog_rig_read(after, strlen(after), 0, &options);
	ck_assert_int_eq(rig->reports[0].first_time.unix_us,
			 1738555506LL * 1000000 + 2 * day - 366 * day);
	oomlog_rig_free(rig);
}
END_TEST

START_TEST(monotonic_stamps_by_boot_time)
{
	struct oomlog_options options = {.boot_unix_us = 1000000};
	const char *text = "[   12.345678] " KILL;
	struct oomlog_rig *rig = oomlog_rig_read(text, strlen(text), 0, &options);

	ck_assert(rig->reports[0].last_time.has_unix);
	ck_assert_int_eq(rig->reports[0].last_time.unix_us, 13345678);
	oomlog_rig_free(rig);
}
END_TEST

START_TEST(kmsg_continuations_are_no_lines_of_the_report)
{
	struct oomlog_rig *rig = oomlog_rig_text(
		"4,1,1000000,-;a invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, "
		"oom_score_adj=0\n SUBSYSTEM=cpu\n DEVICE=+cpu:0\n"
		"4,2,1000001,-;Memory cgroup stats for /a:\\x0aanon 4096\\x0afile 8192\n"
		"3,3,1000002,-;" KILL "\n");

	ck_assert_uint_eq(rig->n, 1);
	ck_assert_uint_eq(rig->reports[0].n_unknown, 0);
	const struct oom_figure *file = oom_figure(&rig->reports[0], "/a", "file");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(file->value.raw, 8192);
	ck_assert_uint_eq(file->value.line, 4);
	oomlog_rig_free(rig);
}
END_TEST

Suite *oomlog_prefix_suite(void);

Suite *oomlog_prefix_suite(void)
{
	Suite *suite = suite_create("oomlog_prefix");
	TCase *tests = tcase_create("prefixes");

	tcase_add_loop_test(tests, kill_behind_each_prefix, 0, sizeof(cases) / sizeof(*cases));
	tcase_add_test(tests, message_as_bytes);
	tcase_add_test(tests, daemons_are_no_kernel);
	tcase_add_test(tests, years_of_dates_without_one);
	tcase_add_test(tests, monotonic_stamps_by_boot_time);
	tcase_add_test(tests, kmsg_continuations_are_no_lines_of_the_report);
	suite_add_tcase(suite, tests);
	return suite;
}

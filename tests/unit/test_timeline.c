/*
 * The course of a kill out of trace events: the order in which a 6.18 kernel gives them, and what
 * must not be taken for it.
 */
#include <check.h>
#include <string.h>

#include "harness/oomlog/timeline.h"

enum { VICTIM = 71, KILLER = 72, OTHER = 99, SI_KERNEL_CODE = 128 };

static const struct trace_event course[] = {
	{100, KILLER, 0, 0, TRACE_RECLAIM_BEGIN}, /* page cache: gave something */
	{110, KILLER, 0, 32, TRACE_RECLAIM_END},
	{200, KILLER, 0, 0, TRACE_RECLAIM_BEGIN},
	{205, OTHER, 0, 5, TRACE_RECLAIM_END},
	{210, KILLER, 0, 0, TRACE_RECLAIM_END},
	{220, KILLER, 0, 0, TRACE_RECLAIM_BEGIN},
	{230, KILLER, 0, 0, TRACE_RECLAIM_END},
	{300, KILLER, VICTIM, SI_KERNEL_CODE, TRACE_SIGNAL},
	{301, KILLER, VICTIM, 0, TRACE_MARK},
	{310, 0, KILLER, 0, TRACE_RUNS}, /* before the memory is back: not the end of its wait */
	{320, VICTIM, 0, 0, TRACE_DELIVER},
	{330, VICTIM, VICTIM, 0, TRACE_EXIT},
	{340, VICTIM, 0, 0, TRACE_MM_GONE},
	{350, 0, OTHER, 0, TRACE_RUNS},
	{360, 0, KILLER, 0, TRACE_RUNS},
};
enum { N = sizeof(course) / sizeof(course[0]) };

START_TEST(whole_course)
{
	struct timeline timeline;

	ck_assert(timeline_find(course, N, VICTIM, 1, 1000, true, &timeline));
	ck_assert_int_eq(timeline.killer, KILLER);
	ck_assert_uint_eq(timeline.t_ns[TIMELINE_LIMIT_HIT], 200);
	ck_assert_uint_eq(timeline.t_ns[TIMELINE_SIGNAL], 300);
	ck_assert_uint_eq(timeline.t_ns[TIMELINE_MARKED], 301);
	ck_assert_uint_eq(timeline.t_ns[TIMELINE_DELIVERED], 320);
	ck_assert_uint_eq(timeline.t_ns[TIMELINE_EXIT], 330);
	ck_assert_uint_eq(timeline.t_ns[TIMELINE_MEMORY_BACK], 340);
	ck_assert_uint_eq(timeline.t_ns[TIMELINE_WAITER_RUNS], 360);
	ck_assert_uint_eq(timeline.t_ns[TIMELINE_REAPER_BEGINS], 0);
}
END_TEST

START_TEST(exit_stands_for_the_memory_on_old_kernels)
{
	struct timeline timeline;

	ck_assert(timeline_find(course, N, VICTIM, 1, 1000, false, &timeline));
	ck_assert_uint_eq(timeline.t_ns[TIMELINE_MEMORY_BACK], 330);
}
END_TEST

START_TEST(killer_of_itself_waits_for_nothing)
{
	struct trace_event own[N];
	struct timeline timeline;

	memcpy(own, course, sizeof(own));
	for (int i = 0; i < N; i++) {
		own[i].by = own[i].by == KILLER ? VICTIM : own[i].by;
		own[i].about = own[i].about == KILLER ? VICTIM : own[i].about;
	}
	ck_assert(timeline_find(own, N, VICTIM, 1, 1000, true, &timeline));
	ck_assert_uint_eq(timeline.t_ns[TIMELINE_MEMORY_BACK], 340);
	ck_assert_uint_eq(timeline.t_ns[TIMELINE_WAITER_RUNS], 0);
}
END_TEST

START_TEST(other_kills_and_times_are_not_its)
{
	struct timeline timeline;

	ck_assert(!timeline_find(course, N, OTHER, 1, 1000, true, &timeline));
	ck_assert(!timeline_find(course, N, VICTIM, 302, 1000, true, &timeline));
	ck_assert(!timeline_find(course, N, VICTIM, 1, 300, true, &timeline));
	/* A limit hit before the scenario began is another's. */
	ck_assert(timeline_find(course, N, VICTIM, 215, 1000, true, &timeline));
	ck_assert_uint_eq(timeline.t_ns[TIMELINE_LIMIT_HIT], 220);
}
END_TEST

START_TEST(a_pid_that_is_used_again_ends_it)
{
	struct trace_event twice[N + 1];
	struct timeline timeline;

	memcpy(twice, course, sizeof(course));
	memmove(&twice[10], &twice[9], (N - 9) * sizeof(twice[0]));
	twice[9] = (struct trace_event){305, KILLER, VICTIM, 0, TRACE_MARK};
	ck_assert(timeline_find(twice, N + 1, VICTIM, 1, 1000, true, &timeline));
	ck_assert_uint_eq(timeline.t_ns[TIMELINE_MARKED], 301);
	ck_assert_uint_eq(timeline.t_ns[TIMELINE_EXIT], 0);
}
END_TEST

START_TEST(reaper_and_signals_of_others)
{
	static const struct trace_event events[] = {
		{90, KILLER, VICTIM, 0, TRACE_SIGNAL}, /* kill(2): no SI_KERNEL */
		{100, KILLER, VICTIM, 0, TRACE_MARK},
		{105, KILLER, VICTIM, SI_KERNEL_CODE, TRACE_SIGNAL}, /* later kernels may swap */
		{110, OTHER, VICTIM, 0, TRACE_REAP_BEGIN},
		{120, OTHER, VICTIM, 0, TRACE_REAP_END},
	};
	struct timeline timeline;

	ck_assert(timeline_find(events, 5, VICTIM, 1, 1000, true, &timeline));
	ck_assert_uint_eq(timeline.t_ns[TIMELINE_SIGNAL], 105);
	ck_assert_uint_eq(timeline.t_ns[TIMELINE_REAPER_BEGINS], 110);
	ck_assert_uint_eq(timeline.t_ns[TIMELINE_REAPER_DONE], 120);
	ck_assert_uint_eq(timeline.t_ns[TIMELINE_LIMIT_HIT], 0);
}
END_TEST

Suite *timeline_suite(void);
Suite *timeline_suite(void)
{
	Suite *suite = suite_create("timeline");
	TCase *tc = tcase_create("course");

	tcase_add_test(tc, whole_course);
	tcase_add_test(tc, exit_stands_for_the_memory_on_old_kernels);
	tcase_add_test(tc, killer_of_itself_waits_for_nothing);
	tcase_add_test(tc, other_kills_and_times_are_not_its);
	tcase_add_test(tc, a_pid_that_is_used_again_ends_it);
	tcase_add_test(tc, reaper_and_signals_of_others);
	suite_add_tcase(suite, tc);
	return suite;
}

/*
 * harness/cmd/vm_queue, vm_room and result_shift(): which machine runs what, how many fit, and
 * results of many machines in one order on one time line.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "base/str.h"
#include "harness/cmd/vm_queue.h"
#include "harness/cmd/vm_room.h"

Suite *vm_queue_suite(void);

static struct vm_queue queue;
static size_t taken[64], n_taken; /* by any machine */

static json_t *planned(const char *names) /* "a B c": capitals are alone */
{
	json_t *list = json_array();

	for (; *names; names++)
		if (*names != ' ')
			json_array_append_new(list, json_pack("{s:s%, s:b, s:i}", "name", names,
							      (size_t)1, "alone",
							      *names >= 'A' && *names <= 'Z',
							      "timeout_ns", 7));
	return list;
}

static void fill(const char *names)
{
	json_t *list = planned(names);
	struct err err = ERR_INIT;

	queue = (struct vm_queue){0};
	n_taken = 0;
	ck_assert_int_eq(vm_queue_fill(&queue, list, &err), 0);
	json_decref(list);
}

static void empty(void)
{
	vm_queue_clear(&queue);
}

/* The names of what a machine gets, "-": nothing. */
static const char *take(bool used, size_t lanes)
{
	static char text[VM_BATCH_MAX + 1];
	size_t indexes[VM_BATCH_MAX];
	size_t n = vm_queue_take(&queue, used, lanes, indexes);

	for (size_t i = 0; i < n; i++) {
		text[i] = queue.items[indexes[i]].name[0];
		taken[n_taken++] = indexes[i];
	}
	text[n] = '\0';
	return n ? text : "-";
}

static struct vm_item *find(const char *name)
{
	return vm_queue_find(&queue, taken, n_taken, name);
}

static void settle(const char *name, uint64_t began_ns)
{
	struct result result = {.name = mem_dup(name), .began_ns = began_ns};

	vm_queue_settle(find(name), &result);
}

static const char *tell(bool gaps)
{
	static char text[8];
	struct result *result = vm_queue_tell(&queue, gaps);

	snprintf(text, sizeof(text), "%s", result ? result->name : "-");
	if (result)
		result_clear(result);
	return text;
}

/* Two files by their paths, in two machines at once: each result is its own machine's. */
START_TEST(names_are_told_apart_by_machine)
{
	fill("A A");
	ck_assert_str_eq(take(false, 2), "A");
	ck_assert_str_eq(take(false, 2), "A");
	struct vm_item *second = vm_queue_find(&queue, &taken[1], 1, "A");
	ck_assert_ptr_eq(second, &queue.items[1]);
	ck_assert_ptr_eq(vm_queue_find(&queue, &taken[0], 1, "A"), &queue.items[0]);
	struct result result = {.name = mem_dup("A")};
	vm_queue_settle(second, &result);
	ck_assert_ptr_null(vm_queue_find(&queue, &taken[1], 1, "A"));
	ck_assert_ptr_nonnull(vm_queue_find(&queue, &taken[0], 1, "A"));
	empty();
}
END_TEST

START_TEST(machine_of_its_own)
{
	fill("A b C d");
	ck_assert_str_eq(take(false, 1), "A");
	ck_assert_str_eq(take(true, 1), "b");
	ck_assert_str_eq(take(true, 1), "d");
	ck_assert_str_eq(take(true, 1), "-");
	ck_assert_str_eq(take(false, 1), "C");
	ck_assert_str_eq(take(false, 1), "-");
}
END_TEST

START_TEST(batches_are_shared)
{
	fill("abcdefghijklmnopqrstuvwxyz");
	ck_assert_str_eq(take(false, 1), "abcdefgh");
	ck_assert_str_eq(take(false, 2), "ijkl");
	ck_assert_str_eq(take(true, 4), "m");
	ck_assert_uint_eq(vm_queue_machines(&queue), 2);
}
END_TEST

START_TEST(given_back)
{
	fill("a B");
	ck_assert_str_eq(take(false, 2), "a");
	ck_assert_ptr_nonnull(find("a"));
	vm_queue_give_back(&queue, 0);
	ck_assert_ptr_null(find("a"));
	ck_assert_str_eq(take(true, 2), "a");
	settle("a", 1);
	vm_queue_give_back(&queue, 0);
	ck_assert_str_eq(take(true, 2), "-");
	ck_assert_str_eq(tell(false), "a");
}
END_TEST

START_TEST(told_in_order)
{
	fill("a b C d");
	ck_assert_str_eq(take(false, 1), "a");
	ck_assert_str_eq(take(true, 1), "b");
	ck_assert_str_eq(take(true, 1), "d");
	settle("b", 1);
	ck_assert_str_eq(tell(false), "-");
	settle("a", 2);
	ck_assert_str_eq(tell(false), "a");
	ck_assert_str_eq(tell(false), "b");
	ck_assert_str_eq(tell(false), "-");
	settle("d", 3);
	ck_assert_str_eq(tell(false), "-");
	ck_assert(!vm_queue_done(&queue));
	ck_assert_str_eq(tell(true), "d");
	ck_assert_str_eq(tell(true), "-");
}
END_TEST

START_TEST(another_plan)
{
	json_t *list = planned("a b c");
	struct err err = ERR_INIT;

	fill("a b c");
	ck_assert_int_eq(vm_queue_fill(&queue, list, &err), 0);
	json_decref(list);
	list = planned("a b");
	ck_assert_int_eq(vm_queue_fill(&queue, list, &err), -EPROTO);
	json_decref(list);
	vm_queue_clear(&queue);
	list = json_pack("[{s:s}, {s:i}]", "name", "a", "name", 1);
	ck_assert_int_eq(vm_queue_fill(&queue, list, &err), -EPROTO);
	json_decref(list);
}
END_TEST

START_TEST(how_many_fit)
{
	static const struct {
		const char *meminfo;
		size_t wanted;
		bool saved;
		size_t fit; /* 0: -ENOMEM */
	} rows[] = {
		{"MemTotal: 9 kB\nMemAvailable:    4194304 kB\n", 2, true, 2},
		{"MemAvailable:    4194304 kB\n", 64, true, 8},
		{"MemAvailable:    4194304 kB\n", 64, false, 9},
		{"MemAvailable:     614400 kB\n", 4, true, 1},
		{"MemAvailable:     300000 kB\n", 4, true, 0},
		{"nothing of the kind", 4, true, 1},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = ERR_INIT;
		size_t fit = 0;
		int r = vm_room(rows[i].meminfo, 256ULL << 20, rows[i].wanted, rows[i].saved, &fit,
				&err);
		ck_assert_int_eq(r, rows[i].fit ? 0 : -ENOMEM);
		ck_assert_uint_eq(fit, rows[i].fit);
	}
}
END_TEST

START_TEST(one_time_line)
{
	struct result result = {
		.began_ns = 100,
		.ended_ns = 200,
		.events = json_pack("[{s:i, s:i}, {s:s}]", "t", 150, "took", 5, "event", "x"),
		.kills = json_pack("[{s:i}]", "t", 160),
		.samples = json_pack("[{s:i}]", "t", 170)};

	result_shift(&result, -40);
	ck_assert_uint_eq(result.began_ns, 60);
	ck_assert_uint_eq(result.ended_ns, 160);
	MEM_AUTO char *events = json_dumps(result.events, JSON_COMPACT | JSON_SORT_KEYS);
	ck_assert_str_eq(events, "[{\"t\":110,\"took\":5},{\"event\":\"x\"}]");
	MEM_AUTO char *kills = json_dumps(result.kills, JSON_COMPACT);
	ck_assert_str_eq(kills, "[{\"t\":120}]");
	MEM_AUTO char *samples = json_dumps(result.samples, JSON_COMPACT);
	ck_assert_str_eq(samples, "[{\"t\":130}]");
	result_clear(&result);
}
END_TEST

Suite *vm_queue_suite(void)
{
	Suite *suite = suite_create("vm_queue");
	TCase *tcase = tcase_create("vm_queue");

	tcase_add_checked_fixture(tcase, NULL, empty);
	tcase_add_test(tcase, names_are_told_apart_by_machine);
	tcase_add_test(tcase, machine_of_its_own);
	tcase_add_test(tcase, batches_are_shared);
	tcase_add_test(tcase, given_back);
	tcase_add_test(tcase, told_in_order);
	tcase_add_test(tcase, another_plan);
	tcase_add_test(tcase, how_many_fit);
	tcase_add_test(tcase, one_time_line);
	suite_add_tcase(suite, tcase);
	return suite;
}

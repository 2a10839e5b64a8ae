/*
 * harness/size: runs that are kept, in memory and in a file that a killed writer left.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/size/inputs.h"
#include "harness/size/memo.h"

Suite *size_memo_suite(void);

static const char *const no_words[] = {NULL};

static struct run_spec hard(uint64_t limit)
{
	return (struct run_spec){.mode = RUN_HARD, .limit_bytes = limit, .timeout_ns = 1000};
}

static struct run_result result_of(enum run_end end, int status)
{
	struct run_result result = {.end = end,
				    .status = status,
				    .limit_bytes = 5 << 20,
				    .wall_ns = 500,
				    .psi_some_us = UINT64_MAX,
				    .psi_full_us = 7,
				    .output_sum = 0xfedcba9876543210,
				    .retries = 3,
				    .check_failed = true,
				    .why = "because"};

	result.top.anon_bytes = 4096;
	result.top.n_procs = 1;
	result.top.all_procs = 2;
	result.top.procs[0].pid = 12;
	strcpy(result.top.procs[0].name, "sort");
	return result;
}

/* A folder of the test's own with a path in it. */
struct place {
	char dir[32];
	char *file;
};

static void setup(struct place *place)
{
	strcpy(place->dir, "/tmp/oomlab-memo-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(place->dir));
	place->file = mem_printf("%s/save", place->dir);
}

static void teardown(struct place *place)
{
	(void)unlink(place->file);
	(void)rmdir(place->dir);
	free(place->file);
}

static void append(const char *path, const char *text)
{
	FD_AUTO fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	ck_assert_int_eq(fd_write_full(fd, text, strlen(text)), 0);
}

/* The result of memo_open() with this about; *ret is there in any case. */
static int join(const char *path, const char *about, const char *const *words, struct memo **ret,
		struct err *err)
{
	json_t *root = json_pack("{s:s}", "kernel", about);
	int r;

	*ret = memo_new();
	r = memo_open(*ret, path, root, words, err);
	json_decref(root);
	return r;
}

START_TEST(a_result_comes_back_whole)
{
	struct run_result result = result_of(RUN_EXITED, 3), back;
	json_t *json = memo_result_json(&result);

	ck_assert(memo_result_read(json, &back));
	json_t *again = memo_result_json(&back);
	ck_assert(json_equal(json, again));
	json_decref(again);
	ck_assert_uint_eq(back.output_sum, result.output_sum);
	ck_assert_uint_eq(back.psi_some_us, UINT64_MAX); /* left out */
	ck_assert_uint_eq(back.retries, 3);
	ck_assert(back.check_failed && !back.every_call);
	ck_assert_str_eq(back.why, "because");
	ck_assert_str_eq(back.top.procs[0].name, "sort");
	ck_assert_uint_eq(back.top.all_procs, 2);
	json_object_set_new(json, "end", json_string("nonsense"));
	ck_assert(!memo_result_read(json, &back));
	json_object_set_new(json, "end", json_string("oom"));
	ck_assert(memo_result_read(json, &back));
	ck_assert_int_eq(back.end, RUN_OOM);
	json_object_set_new(json, "wall_ns", json_string("5"));
	ck_assert(!memo_result_read(json, &back));
	json_decref(json);
}
END_TEST

START_TEST(each_is_taken_once_and_only_for_its_like)
{
	struct memo *memo = memo_new();
	struct run_spec spec = hard(5 << 20), other = hard(6 << 20), ratchet = spec;
	struct run_result result = result_of(RUN_EXITED, 0), back;

	ratchet.mode = RUN_RATCHET;
	memo_put(memo, &spec, &result, false); /* used up */
	ck_assert(!memo_take(memo, &spec, &back));
	memo_put(memo, &spec, &result, true);
	ck_assert(!memo_take(memo, &other, &back));
	ck_assert(!memo_take(memo, &ratchet, &back));
	ck_assert(memo_take(memo, &spec, &back));
	ck_assert_uint_eq(back.output_sum, result.output_sum);
	ck_assert(!memo_take(memo, &spec, &back));
	ck_assert_uint_eq(memo_taken(memo), 0); /* of this call */
	memo_free(memo);
}
END_TEST

START_TEST(what_says_nothing_is_not_kept)
{
	struct memo *memo = memo_new();
	struct run_spec spec = hard(5 << 20), unlimited = spec;
	struct run_result result = result_of(RUN_INTERRUPTED, 0), back;

	memo_put(memo, &spec, &result, true);
	result = result_of(RUN_SIGNALED, SIGKILL); /* and the OOM killer was not it */
	memo_put(memo, &spec, &result, true);
	ck_assert(!memo_take(memo, &spec, &back));
	unlimited.watch = true;
	result = result_of(RUN_OOM, 0);
	memo_put(memo, &unlimited, &result, true);
	ck_assert(!memo_take(memo, &unlimited, &back));
	/* It had too little time: with more it may end. */
	result = result_of(RUN_TIMEOUT, 0);
	memo_put(memo, &spec, &result, true);
	ck_assert(!memo_take(memo, &spec, &back));
	spec.timeout_ns = 400;
	ck_assert(memo_take(memo, &spec, &back));
	memo_free(memo);
}
END_TEST

START_TEST(a_later_call_goes_on)
{
	struct place place;
	struct memo *memo;
	struct err err = ERR_INIT;
	struct run_spec spec = hard(5 << 20);
	struct run_result result = result_of(RUN_OOM, 0), back;

	setup(&place);
	ck_assert_msg(join(place.file, "6.1", no_words, &memo, &err) == 0, "%s", err.text);
	memo_put(memo, &spec, &result, false);
	memo_put(memo, &spec, &result, false);
	ck_assert_str_eq(memo_trouble(memo), "");
	memo_free(memo);
	append(place.file, "{\"run\":\"limit\",\"from\":52428"); /* kill -9 */
	ck_assert_msg(join(place.file, "6.1", no_words, &memo, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(memo_loaded(memo), 2);
	ck_assert(memo_take(memo, &spec, &back));
	ck_assert_int_eq(back.end, RUN_OOM);
	ck_assert(memo_take(memo, &spec, &back));
	ck_assert(!memo_take(memo, &spec, &back));
	ck_assert_uint_eq(memo_taken(memo), 2);
	memo_put(memo, &spec, &result, false); /* behind what was cut off */
	memo_free(memo);
	ck_assert_msg(join(place.file, "6.1", no_words, &memo, &err) == 0, "%s", err.text);
	ck_assert_uint_eq(memo_loaded(memo), 3);
	memo_free(memo);
	teardown(&place);
}
END_TEST

START_TEST(something_else_is_refused)
{
	static const char *const foreign[] = {"",
					      "#!/bin/sh\n",
					      "{\"a\": 1}",
					      "{\"a\": 1}\n",
					      "{\"oomlab_size\":2,\"kernel\":\"6.1\"}\n",
					      "{\"oomlab_size\":1,\"kernel\":\"6.2\"}\n",
					      "{\"oomlab_size\":1,\"kernel\":\"6.1\"}\n",
					      "{", /* anybody's */
					      "{\"oomlab_size\":1,\"kernel\":\"6.1\","
					      "\"inputs\":{}}\n",
					      "{\"oomlab_size\":1,\"kernel\":\"6.1\","
					      "\"inputs\":[]}\nnote",
					      "{\"oomlab_size\":1,\"kernel\":\"6.1\","
					      "\"inputs\":[]}\n{}\n",
					      "{\"oomlab_size\":1,\"kernel\":\"6.1\","
					      "\"inputs\":[]}\n[\n"};
	struct place place;
	struct memo *memo;
	struct err err = ERR_INIT;

	setup(&place);
	for (size_t i = 1; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
		struct stat st;
		append(place.file, foreign[i]);
		ck_assert_msg(join(place.file, "6.1", no_words, &memo, &err) == -EINVAL,
			      "taken: %s", foreign[i]);
		memo_free(memo);
		ck_assert_int_eq(stat(place.file, &st), 0);
		ck_assert_int_eq(st.st_size, (off_t)strlen(foreign[i])); /* and left alone */
		(void)unlink(place.file);
	}
	append(place.file, "{\"oomlab_si"); /* the first line, cut */
	ck_assert_int_eq(join(place.file, "6.1", no_words, &memo, &err), 0);
	struct memo *second;
	ck_assert_int_eq(join(place.file, "6.1", no_words, &second, &err), -EBUSY);
	memo_free(second);
	memo_free(memo);
	ck_assert_int_eq(join(place.dir, "6.1", no_words, &memo, &err), -EISDIR);
	memo_free(memo);
	ck_assert_int_eq(join("/dev/null", "6.1", no_words, &memo, &err), -EINVAL);
	memo_free(memo);
	teardown(&place);
}
END_TEST

/* ---- what somebody wrote into the file ---- */

static const char about_line[] = "{\"oomlab_size\":1,\"kernel\":\"6.1\",\"inputs\":[]}\n";

/* In the line (outer) or in its result: a value that none of ours has; NULL: the key is missing. */
static const struct {
	bool outer;
	const char *key, *value;
} hostile_values[] = {
	{true, "run", "5"},
	{true, "run", "\"nonsense\""},
	{true, "from", "-1"},
	{true, "from", "0"},
	{true, "from", "\"5242880\""},
	{true, "from", "1e6"},
	{true, "late", "0"},
	{true, "beside", NULL},
	{true, "result", "null"},
	{true, "result", "[]"},
	{false, "wall_ns", "-1"},
	{false, "wall_ns", "1.5"},
	{false, "wall_ns", "\"5\""},
	{false, "wall_ns", NULL},
	{false, "limit", "-5"},
	{false, "limit", NULL},
	{false, "peak", "[]"},
	{false, "psi_full_us", "-7"},
	{false, "status", "4294967296"},
	{false, "status", "-1"},
	{false, "steps", "-1"},
	{false, "steps", "4294967296"},
	{false, "check_failed", "1"},
	{false, "end", "5"},
	{false, "end", "\"interrupted\""},
	{false, "output_sum", "\"-1\""},
	{false, "output_sum", "\"0fedcba9876543210\""},
	{false, "output_sum", "\"fedcba987654321G\""},
	{false, "top", "[]"},
	{false, "top", "{\"processes\":{},\"all_processes\":0}"},
	{false, "top", "{\"processes\":[],\"all_processes\":-1}"},
	{false, "top", "{\"processes\":[{\"pid\":1}],\"all_processes\":1}"},
};

static void set(json_t *object, const char *key, const char *value)
{
	if (value)
		ck_assert_int_eq(
			json_object_set_new(object, key, json_loads(value, JSON_DECODE_ANY, NULL)),
			0);
	else
		ck_assert_int_eq(json_object_del(object, key), 0);
}

START_TEST(a_run_that_is_none_is_refused)
{
	struct run_result result = result_of(RUN_EXITED, 3);
	struct place place;
	struct memo *memo;
	struct err err = ERR_INIT;
	json_t *whole = memo_result_json(&result);
	json_t *line = json_pack("{s:s, s:i, s:b, s:b, s:b, s:O}", "run", "limit", "from", 5 << 20,
				 "late", 0, "probe", 0, "beside", 0, "result", whole);

	setup(&place);
	for (int changed = 0; changed < 2; changed++) {
		if (changed)
			set(hostile_values[_i].outer ? line : whole, hostile_values[_i].key,
			    hostile_values[_i].value);
		char *text = json_dumps(line, JSON_COMPACT);
		(void)unlink(place.file);
		append(place.file, about_line);
		append(place.file, text);
		append(place.file, "\n");
		int r = join(place.file, "6.1", no_words, &memo, &err);
		ck_assert_msg(r == (changed ? -EINVAL : 0), "%s: %s", text, err.text);
		ck_assert_msg(!changed || strstr(err.text, "line 2 is no run of oomlab size"), "%s",
			      err.text);
		memo_free(memo);
		free(text);
	}
	json_decref(line);
	json_decref(whole);
	teardown(&place);
}
END_TEST

/* Not even its size changes, however little of it can be understood. */
START_TEST(what_is_refused_is_left_as_it_is)
{
	enum { MANY = 1 << 20 };
	struct place place;
	struct memo *memo;
	char *many = mem_zero(MANY + 1, 1);
	const char fill[] = "x[\x1b\xff", *const begins[] = {"", about_line};
	struct stat st;

	setup(&place);
	for (size_t i = 0; i < 2 * (sizeof(fill) - 1); i++) {
		struct err err = ERR_INIT;
		memset(many, fill[i / 2], MANY);
		(void)unlink(place.file);
		append(place.file, begins[i % 2]);
		append(place.file, many);
		append(place.file, "\n");
		ck_assert_int_eq(join(place.file, "6.1", no_words, &memo, &err), -EINVAL);
		ck_assert_int_eq(stat(place.file, &st), 0);
		ck_assert_int_eq(st.st_size, (off_t)strlen(begins[i % 2]) + MANY + 1);
		memo_free(memo);
	}
	struct err err = ERR_INIT;
	ck_assert_int_eq(truncate(place.file, 1LL << 40), 0); /* a hole */
	ck_assert_int_eq(join(place.file, "6.1", no_words, &memo, &err), -EINVAL);
	memo_free(memo);
	(void)unlink(place.file);
	ck_assert_int_eq(mkfifo(place.file, 0600), 0);
	ck_assert_int_eq(join(place.file, "6.1", no_words, &memo, &err), -EINVAL);
	memo_free(memo);
	free(many);
	teardown(&place);
}
END_TEST

START_TEST(what_had_more_than_is_allowed_now_is_not_taken)
{
	struct place place;
	struct memo *memo;
	struct err err = ERR_INIT;
	struct run_spec spec = {
		.mode = RUN_RATCHET, .limit_bytes = 1 << 20, .ceiling_bytes = 8 << 20};
	struct run_result result = result_of(RUN_EXITED, 0), back;

	setup(&place);
	ck_assert_int_eq(join(place.file, "6.1", no_words, &memo, &err), 0);
	memo_put(memo, &spec, &result, true);
	spec.ceiling_bytes = 4 << 20; /* the result has 5 */
	ck_assert(!memo_take(memo, &spec, &back));
	spec.ceiling_bytes = 5 << 20;
	ck_assert(memo_take(memo, &spec, &back));
	memo_free(memo);
	teardown(&place);
}
END_TEST

START_TEST(inputs_have_to_be_the_same)
{
	struct place place;
	struct memo *memo;
	struct err err = ERR_INIT;
	struct run_spec spec = hard(5 << 20);
	struct run_result result = result_of(RUN_OOM, 0);

	setup(&place);
	MEM_AUTO char *input = mem_printf("%s/in", place.dir);
	MEM_AUTO char *made = mem_printf("%s/out", place.dir);
	const char *const words[] = {"sort", input, made, NULL};
	append(input, "abc");
	append(made, "old");
	ck_assert_int_eq(join(place.file, "6.1", words, &memo, &err), 0);
	append(made, "by the first run");
	memo_put(memo, &spec, &result, false);
	memo_free(memo);
	append(made, "by another run"); /* no input */
	ck_assert_msg(join(place.file, "6.1", words, &memo, &err) == 0, "%s", err.text);
	memo_free(memo);
	append(input, "d");
	ck_assert_int_eq(join(place.file, "6.1", words, &memo, &err), -EINVAL);
	ck_assert_ptr_nonnull(strstr(err.text, input));
	memo_free(memo);
	(void)unlink(input);
	(void)unlink(made);
	teardown(&place);
}
END_TEST

Suite *size_memo_suite(void)
{
	Suite *suite = suite_create("size_memo");
	TCase *tc = tcase_create("memo");

	tcase_add_test(tc, a_result_comes_back_whole);
	tcase_add_test(tc, each_is_taken_once_and_only_for_its_like);
	tcase_add_test(tc, what_says_nothing_is_not_kept);
	tcase_add_test(tc, a_later_call_goes_on);
	tcase_add_test(tc, something_else_is_refused);
	tcase_add_loop_test(tc, a_run_that_is_none_is_refused, 0,
			    sizeof(hostile_values) / sizeof(hostile_values[0]));
	tcase_add_test(tc, what_is_refused_is_left_as_it_is);
	tcase_add_test(tc, what_had_more_than_is_allowed_now_is_not_taken);
	tcase_add_test(tc, inputs_have_to_be_the_same);
	suite_add_tcase(suite, tc);
	return suite;
}

/*
 * report/: the live area, read back by a terminal of a dozen lines that knows the few sequences
 * it may use and fails at any other.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "harness/record/text.h"
#include "harness/report/report.h"

Suite *report_live_suite(void);

enum { SCREEN_ROWS = 40, SCREEN_BYTES = 400 };

struct screen {
	char line[SCREEN_ROWS][SCREEN_BYTES];
	size_t row, at; /* the cursor; 'at' in bytes */
	bool wraps;
};

static void erase_below(struct screen *screen)
{
	screen->line[screen->row][screen->at] = '\0';
	for (size_t i = screen->row + 1; i < SCREEN_ROWS; i++)
		screen->line[i][0] = '\0';
}

static size_t escape(struct screen *screen, const char *at)
{
	int n = 0, length = 0;

	if (str_starts(at, "\033[?7l") || str_starts(at, "\033[?7h")) {
		screen->wraps = at[4] == 'h';
		return 5;
	}
	if (str_starts(at, "\033[J")) {
		erase_below(screen);
		return 3;
	}
	if (str_starts(at, "\033[K")) {
		screen->line[screen->row][screen->at] = '\0';
		return 3;
	}
	ck_assert_msg(sscanf(at, "\033[%dA%n", &n, &length) == 1 && length > 0,
		      "unknown sequence '%.8s'", at + 1);
	ck_assert_msg((size_t)n <= screen->row, "the cursor goes above the first line");
	screen->row -= (size_t)n;
	return (size_t)length;
}

static void put(struct screen *screen, char c)
{
	char *line = screen->line[screen->row];

	if (line[screen->at] == '\0')
		line[screen->at + 1] = '\0';
	line[screen->at++] = c;
	ck_assert_uint_lt(screen->at, SCREEN_BYTES - 1);
}

static void feed(struct screen *screen, const char *text)
{
	while (*text) {
		if (*text == '\033') {
			text += escape(screen, text);
			continue;
		}
		if (*text == '\n')
			screen->row++;
		if (*text == '\n' || *text == '\r')
			screen->at = 0;
		else
			put(screen, *text);
		ck_assert_uint_lt(screen->row, SCREEN_ROWS);
		text++;
	}
}

struct rig {
	struct screen screen;
	char *text;
	size_t size, seen;
	FILE *out;
	struct live *live;
};

static struct rig *rig_new(int width)
{
	struct rig *rig = mem_zero(1, sizeof(*rig));
	struct report_options options = {.width = width};

	rig->screen.wraps = true;
	rig->out = open_memstream(&rig->text, &rig->size);
	rig->live = live_new(rig->out, &options);
	return rig;
}

static void drain(struct rig *rig)
{
	fflush(rig->out);
	feed(&rig->screen, rig->text + rig->seen);
	ck_assert_msg(rig->screen.wraps, "line wrap stays off");
	rig->seen = rig->size;
}

static void rig_free(struct rig *rig)
{
	live_free(rig->live);
	fclose(rig->out);
	free(rig->text);
	free(rig);
}

static const struct live_row two[] = {
	{"limits/limit-kills-largest", 64172851, 83886080, 12300000, "step alloc_2"},
	{"fork/bomb", 1024, UINT64_MAX, 900000000, NULL},
};

START_TEST(rows_show_usage_and_step)
{
	struct rig *rig = rig_new(100);

	live_show(rig->live, two, 2, 3, 62);
	drain(rig);
	ck_assert_str_eq(
		rig->screen.line[0],
		"limits/limit-kills-largest  [#######...] 61.2M/80.0M  12.3ms  step alloc_2");
	ck_assert_str_eq(rig->screen.line[1],
			 "fork/bomb                                1.00K         900ms");
	ck_assert_str_eq(rig->screen.line[2], "3 of 62 done, 2 running");
	ck_assert_str_eq(rig->screen.line[3], "");
	rig_free(rig);
}
END_TEST

START_TEST(fewer_rows_leave_nothing_behind)
{
	struct rig *rig = rig_new(100);

	live_show(rig->live, two, 2, 3, 62);
	drain(rig);
	live_show(rig->live, two + 1, 1, 4, 62);
	drain(rig);
	ck_assert(str_starts(rig->screen.line[0], "fork/bomb  "));
	ck_assert_str_eq(rig->screen.line[1], "4 of 62 done, 1 running");
	ck_assert_str_eq(rig->screen.line[2], "");
	rig_free(rig);
}
END_TEST

START_TEST(verdicts_scroll_above)
{
	struct rig *rig = rig_new(100);

	live_show(rig->live, two, 2, 0, 2);
	live_hide(rig->live);
	fputs("pass  fork/bomb\n", rig->out);
	live_show(rig->live, two, 1, 1, 2);
	drain(rig);
	ck_assert_str_eq(rig->screen.line[0], "pass  fork/bomb");
	ck_assert(str_starts(rig->screen.line[1], "limits/limit-kills-largest"));
	ck_assert_str_eq(rig->screen.line[2], "1 of 2 done, 1 running");
	live_hide(rig->live);
	live_hide(rig->live);
	drain(rig);
	ck_assert_str_eq(rig->screen.line[0], "pass  fork/bomb");
	ck_assert_str_eq(rig->screen.line[1], "");
	rig_free(rig);
}
END_TEST

START_TEST(many_rows_are_counted_not_shown)
{
	struct live_row rows[20];
	struct rig *rig = rig_new(100);

	for (size_t i = 0; i < 20; i++)
		rows[i] = two[1];
	live_show(rig->live, rows, 20, 0, 20);
	drain(rig);
	ck_assert_str_eq(rig->screen.line[8], "0 of 20 done, 20 running (12 not shown)");
	ck_assert_str_eq(rig->screen.line[9], "");
	rig_free(rig);
}
END_TEST

/* Whatever the width, no line is wider: wide characters, foreign bytes, long names. */
START_TEST(lines_fit_the_width)
{
	static const struct live_row odd[] = {
		{"日本語の名前日本語の名前日本語の名前日本語の名前", 1, 2, 3, "e\xcc\x81 日本"},
		{"a\xff\x1b[2J\n", UINT64_MAX, 1, UINT64_MAX, "\x1b[31m\r"},
		{"limits/a-very-long-name-of-a-scenario[block=512M,size=1G,depth=7]#100", 83886080,
		 83886080, 61000000000,
		 "a step that has a very long description as well, on and on"},
	};
	struct rig *rig = rig_new(_i);

	live_show(rig->live, odd, 3, 1000, 1000);
	drain(rig);
	for (size_t i = 0; i < 4; i++)
		ck_assert_msg(text_columns(rig->screen.line[i]) <= (size_t)_i, "'%s'",
			      rig->screen.line[i]);
	ck_assert_str_eq(rig->screen.line[4], "");
	rig_free(rig);
}
END_TEST

START_TEST(cuts_never_split_a_character)
{
	STR_AUTO text = STR_INIT;

	ck_assert_uint_eq(text_cut(&text, "日本語", 5), 4);
	ck_assert_str_eq(str_text(&text), "日..");
	text_cut(&text, "abc", 3);
	text_cut(&text, "abc", 2);
	text_cut(&text, "abc", 1);
	text_cut(&text, "abc", 0);
	ck_assert_str_eq(str_text(&text), "日..abc...");
}
END_TEST

Suite *report_live_suite(void)
{
	Suite *suite = suite_create("report_live");
	TCase *tcase = tcase_create("live");

	tcase_add_test(tcase, rows_show_usage_and_step);
	tcase_add_test(tcase, fewer_rows_leave_nothing_behind);
	tcase_add_test(tcase, verdicts_scroll_above);
	tcase_add_test(tcase, many_rows_are_counted_not_shown);
	tcase_add_loop_test(tcase, lines_fit_the_width, 1, 200);
	tcase_add_test(tcase, cuts_never_split_a_character);
	suite_add_tcase(suite, tcase);
	return suite;
}

/*
 * What is said to apt and understood of it: mirrors and suites out of its lists, the names of its
 * files, its complaints.
 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "harness/vm/apt.h"
#include "harness/vm/apt_sources.h"

Suite *apt_suite(void);

static bool has(const struct apt_sources *sources, const char *uri, const char *suite)
{
	for (size_t i = 0; i < sources->n; i++)
		if (str_eq(sources->all[i].uri, uri) && str_eq(sources->all[i].suite, suite))
			return true;
	return false;
}

START_TEST(mirrors_of_debian_and_no_others)
{
	static const char lines[] = "http://m/debian/ bookworm main Debian\n"
				    "http://m/debian/ bookworm-updates main Debian\n"
				    "http://m/debian/ bookworm contrib Debian\n"
				    "http://s/debian-security/ bookworm-security main Debian\n"
				    "http://x/apt/ bookworm stable Docker\n"
				    "http://y/apt/ stable main Y\n"
				    "garbage\n\n";
	struct apt_sources sources = {0};

	apt_sources_read(&sources, lines, NULL);
	ck_assert(has(&sources, "http://m/debian/", "bullseye"));
	ck_assert(has(&sources, "http://m/debian/", "trixie-backports"));
	ck_assert(has(&sources, "http://m/debian/", "sid"));
	ck_assert(has(&sources, "http://s/debian-security/", "bullseye-security"));
	ck_assert(!has(&sources, "http://m/debian/", "bookworm-security"));
	ck_assert(!has(&sources, "http://s/debian-security/", "sid"));
	for (size_t i = 0; i < sources.n; i++)
		ck_assert_msg(!str_starts(sources.all[i].uri, "http://x/") &&
				      !str_starts(sources.all[i].uri, "http://y/"),
			      "%s", sources.all[i].uri);
	apt_sources_free(&sources);
}
END_TEST

/* Without downloaded lists apt-get knows no origin. */
START_TEST(mirrors_by_the_names_of_their_suites)
{
	struct apt_sources sources = {0};

	apt_sources_read(&sources, "http://m/debian/ trixie main \nhttp://u/ubuntu/ noble main \n",
			 NULL);
	ck_assert(has(&sources, "http://m/debian/", "trixie"));
	ck_assert(!has(&sources, "http://u/ubuntu/", "trixie"));
	apt_sources_free(&sources);
}
END_TEST

START_TEST(suites_that_somebody_asks_for)
{
	static const char *const more[] = {"buster", "buster-security", "sid", NULL};
	struct apt_sources sources = {0};
	STR_AUTO text = STR_INIT;

	apt_sources_read(&sources, "http://m/debian/ sid main Debian\n", more);
	ck_assert(has(&sources, "http://m/debian/", "buster"));
	ck_assert(!has(&sources, "http://m/debian/", "buster-security"));
	sources.keyring = mem_dup("/keys.gpg");
	apt_sources_text(&sources, &text);
	const char *line = "deb [arch=amd64 signed-by=/keys.gpg] http://m/debian/ sid main\n";
	const char *at = strstr(str_text(&text), line);
	ck_assert_ptr_nonnull(at);
	ck_assert_ptr_null(strstr(at + 1, line));
	apt_sources_free(&sources);
}
END_TEST

static const struct {
	const char *uri, *suite, *name;
} lists[] = {
	{"http://deb.example/debian/", "bookworm-backports",
	 "deb.example_debian_dists_bookworm-backports_main_binary-amd64_Packages"},
	{"file:///tmp/a_b/", "sid", "_tmp_a%5fb_dists_sid_main_binary-amd64_Packages"},
	{"http://me:secret@deb.example/", "sid",
	 "deb.example_dists_sid_main_binary-amd64_Packages"},
};

START_TEST(names_of_lists)
{
	MEM_AUTO char *name = apt_list_name(lists[_i].uri, lists[_i].suite);

	ck_assert_str_eq(name, lists[_i].name);
}
END_TEST

static const struct {
	const char *text;
	int code;
	const char *message;
} complaints[] = {
	{"W: x\nE: The repository 'file:/r sid Release' is not signed.\n", EKEYREJECTED,
	 "refused what is not signed by Debian's archive: The repository 'file:/r sid Release' "
	 "is not signed."},
	{"E: Failed to fetch http://m/a  404  Not Found [IP: ::1 80]\n", ENOENT,
	 "the mirror lacks it: Failed to fetch http://m/a  404  Not Found [IP: ::1 80]"},
	{"E: Failed to fetch http://m/a  Hash Sum mismatch\n   Hashes of expected file:\n", EBADMSG,
	 "refused what is not what the archive has signed: Failed to fetch http://m/a  Hash Sum "
	 "mismatch"},
	{"W: Failed to fetch http://m/a  Temporary failure resolving 'm'\n", ENETUNREACH,
	 "no network: Failed to fetch http://m/a  Temporary failure resolving 'm'"},
	/* what is at the bottom of it counts, not what comes of it */
	{"E: Failed to fetch http://m/a  404  Not Found\n"
	 "E: write error - No space left on device\n",
	 ENOSPC, "the disk is full: write error - No space left on device"},
	{"W: first\nE: something new\n", EIO, "apt failed: something new"},
	{"", EIO, "apt failed: "},
};

START_TEST(complaints_become_one_line)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(apt_error(complaints[_i].text, &err), -complaints[_i].code);
	ck_assert_str_eq(err.text, complaints[_i].message);
}
END_TEST

#define N(table) ((int)(sizeof(table) / sizeof((table)[0])))

Suite *apt_suite(void)
{
	Suite *suite = suite_create("apt");
	TCase *tests = tcase_create("texts");

	tcase_add_test(tests, mirrors_of_debian_and_no_others);
	tcase_add_test(tests, mirrors_by_the_names_of_their_suites);
	tcase_add_test(tests, suites_that_somebody_asks_for);
	tcase_add_loop_test(tests, names_of_lists, 0, N(lists));
	tcase_add_loop_test(tests, complaints_become_one_line, 0, N(complaints));
	suite_add_tcase(suite, tests);
	return suite;
}

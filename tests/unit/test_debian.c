/*
 * Debian's kernels out of the text of package indexes (tests/fixtures/debian: paragraphs of the
 * archive, a file a suite), and which of them is meant by a word.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "harness/vm/debian.h"

Suite *debian_suite(void);

static const struct debian_source suites[] = {
	{"bookworm", "oldstable", "http://mirror/debian/"},
	{"bookworm-security", "oldstable-security", "http://mirror/debian-security/"},
	{"bullseye-security", "oldoldstable-security", "http://mirror/debian-security/"},
	{"trixie", "stable", "http://mirror/debian/"},
	{"trixie-backports", "stable-backports", "http://mirror/debian/"},
};

static struct debian_index archive;

static void read_archive(void)
{
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++) {
		MEM_AUTO char *path = mem_printf("tests/fixtures/debian/%s", suites[i].suite);
		STR_AUTO text = STR_INIT;
		struct err err = ERR_INIT;
		ck_assert_msg(fd_read_all(AT_FDCWD, path, &text, &err) == 0, "%s", err.text);
		ck_assert_uint_gt(debian_index_add(&archive, str_text(&text), text.len, &suites[i]),
				  0);
	}
}

static void free_archive(void)
{
	debian_index_free(&archive);
}

/* ---- versions ------------------------------------------------------------------------------- */

static const struct {
	const char *less, *more;
} ordered[] = {
	{"6.1.192-1", "6.1.192-2"},
	{"6.1.99-1", "6.1.100-1"},
	{"6.12.95-1~bpo12+1", "6.12.95-1"},
	{"6.12.117-1~deb12u1", "6.12.117-1"},
	{"7.3~rc7-1~exp1", "7.3-1"},
	{"7.3-1", "7.3.4-1~bpo13+1"},
	{"6.12.90-1", "6.12.90-2~bpo12+1"},
	{"1.0", "1.0-1"},
	{"1.0a", "1.0+"},
	{"1.009", "1.10"},
};

START_TEST(versions_have_debians_order)
{
	ck_assert_int_eq(debian_version_cmp(ordered[_i].less, ordered[_i].more), -1);
	ck_assert_int_eq(debian_version_cmp(ordered[_i].more, ordered[_i].less), 1);
	ck_assert_int_eq(debian_version_cmp(ordered[_i].more, ordered[_i].more), 0);
}
END_TEST

/* ---- choosing ------------------------------------------------------------------------------- */

static const struct {
	const char *wish, *release, *version, *suite;
} choices[] = {
	{"5.10", "5.10.0-46-cloud-amd64", "5.10.262-1", "bullseye-security"},
	{"6.1", "6.1.0-56-cloud-amd64", "6.1.192-2", "bookworm-security"},
	{"6.1.0-50", "6.1.0-50-cloud-amd64", "6.1.176-1", "bookworm"},
	{"6.1.0-56-cloud-amd64", "6.1.0-56-cloud-amd64", "6.1.192-2", "bookworm-security"},
	{"6.1.176", "6.1.0-50-cloud-amd64", "6.1.176-1", "bookworm"},
	{"6.1.192-1", "6.1.0-55-cloud-amd64", "6.1.192-1", "bookworm-security"},
	{"6.1.0-0.deb11.52", "6.1.0-0.deb11.52-cloud-amd64", "6.1.180-1~deb11u1",
	 "bullseye-security"},
	{"6.12", "6.12.117+deb13-cloud-amd64", "6.12.117-1", "trixie"},
	{"6.12.117+deb12", "6.12.117+deb12-cloud-amd64", "6.12.117-1~deb12u1", "bookworm-security"},
	{"7.3", "7.3.4+deb13-cloud-amd64", "7.3.4-1~bpo13+1", "trixie-backports"},
	/* 7.0 has no modules, but is asked for by name; with 7 those with modules come first */
	{"7.0", "7.0.13+deb13-cloud-amd64", "7.0.13-1~bpo13+1", "trixie-backports"},
	{"7", "7.3.4+deb13-cloud-amd64", "7.3.4-1~bpo13+1", "trixie-backports"},
	/* suites, with the security updates that belong to them */
	{"bookworm", "6.1.0-56-cloud-amd64", "6.1.192-2", "bookworm-security"},
	{"oldstable", "6.1.0-56-cloud-amd64", "6.1.192-2", "bookworm-security"},
	{"bullseye", "5.10.0-46-cloud-amd64", "5.10.262-1", "bullseye-security"},
	{"trixie", "6.12.117+deb13-cloud-amd64", "6.12.117-1", "trixie"},
	{"stable", "6.12.117+deb13-cloud-amd64", "6.12.117-1", "trixie"},
	{"trixie-backports", "7.3.4+deb13-cloud-amd64", "7.3.4-1~bpo13+1", "trixie-backports"},
};

START_TEST(a_wish_means_a_kernel)
{
	struct debian_kernel kernel;
	struct err err = ERR_INIT;

	ck_assert_msg(debian_choose(&archive, choices[_i].wish, &kernel, &err) == 0, "%s: %s",
		      choices[_i].wish, err.text);
	ck_assert_str_eq(kernel.release, choices[_i].release);
	ck_assert_str_eq(kernel.image->version, choices[_i].version);
	ck_assert_str_eq(kernel.image->suite, choices[_i].suite);
}
END_TEST

static const struct {
	const char *wish, *message;
} refusals[] = {
	{"6.13", "the mirror has no kernel '6.13'; nearest: 6.12.117+deb13-cloud-amd64, "
		 "7.0.13+deb13-cloud-amd64 ('oomlab kernels' lists all)"},
	{"6.1.0-5", "the mirror has no kernel '6.1.0-5'; nearest: 6.1.0-0.deb11.52-cloud-amd64, "
		    "6.1.0-50-cloud-amd64 ('oomlab kernels' lists all)"},
	{"9", "the mirror has no kernel '9'; nearest: 7.3.4+deb13-cloud-amd64 ('oomlab kernels' "
	      "lists all)"},
	{"4.19", "the mirror has no kernel '4.19'; nearest: 5.10.0-46-cloud-amd64 ('oomlab "
		 "kernels' lists all)"},
	{"buster", "the mirror has no kernel in a suite 'buster'; it has some in bookworm, "
		   "bookworm-security, bullseye-security, trixie, trixie-backports"},
};

START_TEST(what_is_not_there_names_the_nearest)
{
	struct debian_kernel kernel;
	struct err err = ERR_INIT;

	ck_assert_int_eq(debian_choose(&archive, refusals[_i].wish, &kernel, &err), -ENOENT);
	ck_assert_str_eq(err.text, refusals[_i].message);
}
END_TEST

START_TEST(split_packages_belong_together)
{
	struct debian_kernel kernel;
	struct err err = ERR_INIT;

	ck_assert_int_eq(debian_choose(&archive, "7.3", &kernel, &err), 0);
	ck_assert_str_eq(kernel.image->name, "linux-binary-7.3.4+deb13-cloud-amd64");
	ck_assert_str_eq(kernel.modules->name, "linux-modules-7.3.4+deb13-cloud-amd64");
	ck_assert_int_eq(debian_choose(&archive, "7.0", &kernel, &err), 0);
	ck_assert_str_eq(kernel.image->name, "linux-binary-7.0.13+deb13-cloud-amd64");
	ck_assert_ptr_null(kernel.modules);
	ck_assert_int_eq(debian_choose(&archive, "6.12", &kernel, &err), 0);
	ck_assert_ptr_eq(kernel.modules, kernel.image);
}
END_TEST

/* Metapackages and debug symbols are no kernels; each version is there once. */
START_TEST(all_kernels_newest_first)
{
	struct debian_kernel *all;
	size_t n = debian_kernels(&archive, &all);

	ck_assert_uint_eq(n, 9);
	ck_assert_str_eq(all[0].release, "7.3.4+deb13-cloud-amd64");
	ck_assert_str_eq(all[n - 1].release, "5.10.0-46-cloud-amd64");
	free(all);
}
END_TEST

START_TEST(an_empty_index_has_nothing)
{
	struct debian_index none = {0};
	struct debian_kernel kernel;
	struct err err = ERR_INIT;

	ck_assert_int_eq(debian_choose(&none, "6.1", &kernel, &err), -ENOENT);
	ck_assert_str_eq(err.text, "the mirror has no kernel at all");
}
END_TEST

/* ---- sources -------------------------------------------------------------------------------- */

static const struct {
	const char *wish, *version, *suite;
} sources[] = {
	{"6.1", "6.1.192-2", "bookworm-security"},
	{"6.1.190", "6.1.190-1", "bookworm-security"},
	{"6.12", "6.12.117-1", "trixie"},
	{"6.12.117-1~deb12u1", "6.12.117-1~deb12u1", "bookworm-security"},
	{"6.12.107-1", "6.12.107-1", "trixie"},
	{"6", "6.12.117-1", "trixie"},
	{"bookworm", "6.12.117-1~deb12u1", "bookworm-security"},
	{"stable", "6.12.117-1", "trixie"},
	{"trixie-backports", "7.3.4-1~bpo13+1", "trixie-backports"},
};

START_TEST(a_wish_means_a_source)
{
	const struct debian_package *source;
	struct err err = ERR_INIT;

	ck_assert_msg(debian_choose_source(&archive, sources[_i].wish, &source, &err) == 0, "%s",
		      err.text);
	ck_assert_str_eq(source->version, sources[_i].version);
	ck_assert_str_eq(source->suite, sources[_i].suite);
	ck_assert(str_starts(source->name, "linux-source-"));
}
END_TEST

START_TEST(a_source_that_is_not_there_names_all)
{
	const struct debian_package *source;
	struct debian_index none = {0};
	struct err err = ERR_INIT;

	ck_assert_int_eq(debian_choose_source(&archive, "6.18", &source, &err), -ENOENT);
	ck_assert_str_eq(err.text, "the mirror has no source of a kernel '6.18'; it has 6.1 "
				   "(6.1.192-2), 6.12 (6.12.117-1), 7.2 (7.2.12-1~bpo13+1), 7.3 "
				   "(7.3.4-1~bpo13+1)");
	ck_assert_int_eq(debian_choose_source(&none, "6.1", &source, &err), -ENOENT);
	ck_assert_str_eq(err.text,
			 "the mirror has no source of a kernel '6.1'; it has none at all");
}
END_TEST

/* The newest of each, without what only depends on one. */
START_TEST(all_sources_newest_first)
{
	const struct debian_package **all;
	size_t n = debian_sources(&archive, &all);

	ck_assert_uint_eq(n, 4);
	ck_assert_str_eq(all[0]->name, "linux-source-7.3");
	ck_assert_str_eq(all[2]->version, "6.12.117-1");
	ck_assert_str_eq(all[3]->name, "linux-source-6.1");
	free(all);
}
END_TEST

/* ---- texts ---------------------------------------------------------------------------------- */

START_TEST(an_index_survives_its_text)
{
	struct debian_index again = {0};
	STR_AUTO text = STR_INIT;
	STR_AUTO text_again = STR_INIT;

	debian_index_text(&archive, &text);
	ck_assert_uint_eq(debian_index_add(&again, str_text(&text), text.len, NULL), archive.n);
	debian_index_text(&again, &text_again);
	ck_assert_str_eq(str_text(&text), str_text(&text_again));
	debian_index_free(&again);
}
END_TEST

#define SHA  "35bb2f31f07959211b81abd5df6ce09c7462e3f90ac4ff91184c3dc475c9d9c4"
#define NAME "Package: linux-image-6.1.0-1-cloud-amd64\n"

static const struct {
	const char *text;
	size_t n;
} paragraphs[] = {
	{NAME "Version: 1\nFilename: pool/a.deb\nSize: 9\nSHA256: " SHA "\n", 1},
	{NAME "Version: 1\nFilename: pool/a.deb\nSize: 9\nSHA256: " SHA, 1},
	{"\n\n" NAME "Version: 1\nFilename: pool/a.deb\nSize: 9\nSHA256: " SHA "\n\n\n", 1},
	/* fields in another order, and one that only looks like a name */
	{"Version: 1\nSHA256: " SHA "\n" NAME "Filename: pool/a.deb\nSize: 9\n", 1},
	{"Package: x\nDescription: Package: linux-image-6.1.0-1-cloud-amd64\n", 0},
	/* what could leave the repository or the cache, or is not whole */
	{NAME "Version: 1\nFilename: ../a.deb\nSize: 9\nSHA256: " SHA "\n", 0},
	{NAME "Version: 1\nFilename: /a.deb\nSize: 9\nSHA256: " SHA "\n", 0},
	{NAME "Version: 1/../..\nFilename: a.deb\nSize: 9\nSHA256: " SHA "\n", 0},
	{"Package: linux-image-6/../x-cloud-amd64\nVersion: 1\nFilename: a.deb\nSize: "
	 "9\nSHA256: " SHA "\n",
	 0},
	{NAME "Version: 1\nFilename: a.deb\nSize: 9\n", 0},
	{NAME "Version: 1\nFilename: a.deb\nSize: 9\nSHA256: 12\n", 0},
	{NAME "Version: 1\nFilename: a.deb\nSize: x\nSHA256: " SHA "\n", 0},
	{NAME "Filename: a.deb\nSize: 9\nSHA256: " SHA "\n", 0},
	{"Package: linux-image-6.1.0-1-amd64\nVersion: 1\nFilename: a.deb\nSize: 9\nSHA256: " SHA
	 "\n",
	 0},
	{"Package: linux-", 0},
	{"", 0},
};

START_TEST(paragraphs_are_whole_or_left_out)
{
	const struct debian_source source = {"s", "", "file:/r/"};
	struct debian_index index = {0};
	const char *text = paragraphs[_i].text;

	ck_assert_msg(debian_index_add(&index, text, strlen(text), &source) == paragraphs[_i].n,
		      "'%s'", text);
	debian_index_free(&index);
}
END_TEST

#define N(table) ((int)(sizeof(table) / sizeof((table)[0])))

Suite *debian_suite(void)
{
	Suite *suite = suite_create("debian");
	TCase *pure = tcase_create("texts"), *chosen = tcase_create("choices");

	tcase_add_loop_test(pure, versions_have_debians_order, 0, N(ordered));
	tcase_add_loop_test(pure, paragraphs_are_whole_or_left_out, 0, N(paragraphs));
	tcase_add_test(pure, an_empty_index_has_nothing);
	suite_add_tcase(suite, pure);
	tcase_add_checked_fixture(chosen, read_archive, free_archive);
	tcase_add_loop_test(chosen, a_wish_means_a_kernel, 0, N(choices));
	tcase_add_loop_test(chosen, what_is_not_there_names_the_nearest, 0, N(refusals));
	tcase_add_test(chosen, split_packages_belong_together);
	tcase_add_test(chosen, all_kernels_newest_first);
	tcase_add_loop_test(chosen, a_wish_means_a_source, 0, N(sources));
	tcase_add_test(chosen, a_source_that_is_not_there_names_all);
	tcase_add_test(chosen, all_sources_newest_first);
	tcase_add_test(chosen, an_index_survives_its_text);
	suite_add_tcase(suite, chosen);
	return suite;
}

/*
 * The options of a kernel of our own: the list that is shipped, mistakes in one, and what kconfig
 * made of it.
 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include "harness/vm/tiny_options.h"

Suite *tiny_options_suite(void);

#define N(table) ((int)(sizeof(table) / sizeof((table)[0])))

static struct tiny_options parse(const char *text)
{
	struct tiny_options options = {0};
	struct err err = ERR_INIT;

	ck_assert_msg(tiny_options_parse(text, &options, &err) == 0, "%s", err.text);
	return options;
}

static const struct tiny_option *find(const struct tiny_options *options, const char *name)
{
	for (size_t i = 0; i < options->n; i++)
		if (strcmp(options->all[i].name, name) == 0)
			return &options->all[i];
	ck_abort_msg("no %s", name);
	return NULL;
}

/* What such a kernel is built for, and what the guest's first process needs to start at all. */
START_TEST(the_shipped_list_has_what_matters)
{
	static const char *const wanted[] = {"MEMCG_V1",	   "CPUSETS_V1", "FAULT_INJECTION",
					     "FAILSLAB",	   "PVH",	 "ZRAM",
					     "X86_IOPL_IOPERM",	   "SWAP",	 "BLK_DEV_INITRD",
					     "SERIAL_8250_CONSOLE"};
	struct tiny_options options = parse(tiny_options_text());

	for (int i = 0; i < N(wanted); i++) {
		const struct tiny_option *option = find(&options, wanted[i]);
		ck_assert_str_eq(option->value, "y");
		ck_assert_msg(option->must, "%s", wanted[i]);
	}
	ck_assert_str_eq(find(&options, "LOCALVERSION")->value, "\"-tiny\"");
	ck_assert_str_eq(find(&options, "MEMCG")->why, "the subject");
	tiny_options_free(&options);
}
END_TEST

static const struct {
	const char *text, *message;
} mistakes[] = {
	{"MEMCG y must the subject\nMEMCG y may twice\n", "line 2: 'MEMCG' is there twice"},
	{"# x\n\nMEMCG y must\n", "line 3: expected 'NAME VALUE must|may WHY'"},
	{"MEMCG y should the subject\n", "line 1: expected"},
	{"MEMCG m must modules\n", "line 1: expected"},
	{"memcg y must case\n", "line 1: expected"},
	{"X \"open must quote\n", "line 1: expected"},
	{"X -1 must sign\n", "line 1: expected"},
	{"X\n", "line 1: expected"},
};

START_TEST(a_mistake_in_a_list_names_its_line)
{
	struct tiny_options options;
	struct err err = ERR_INIT;

	ck_assert_int_eq(tiny_options_parse(mistakes[_i].text, &options, &err), -EINVAL);
	ck_assert_msg(strstr(err.text, mistakes[_i].message) == err.text, "'%s'", err.text);
}
END_TEST

static const char list[] = "# comment\n"
			   "MEMCG \t y must the subject\n"
			   "MODULES n may none\n"
			   "NR_CPUS 64 may most\n"
			   "LOCALVERSION \"-a b\" must name\n";

START_TEST(kconfig_gets_its_own_syntax)
{
	struct tiny_options options = parse(list);
	STR_AUTO text = STR_INIT;

	tiny_options_fragment(&options, &text);
	ck_assert_str_eq(str_text(&text), "CONFIG_MEMCG=y\n"
					  "# CONFIG_MODULES is not set\n"
					  "CONFIG_NR_CPUS=64\n"
					  "CONFIG_LOCALVERSION=\"-a b\"\n");
	tiny_options_free(&options);
}
END_TEST

static const struct {
	const char *name, *config;
	bool kept;
} outcomes[] = {
	{"MEMCG", "CONFIG_MEMCG=y\n", true},
	{"MEMCG", "CONFIG_X=y\nCONFIG_MEMCG=y", true},
	{"MEMCG", "# CONFIG_MEMCG is not set\n", false},
	{"MEMCG", "", false},
	{"MEMCG", "CONFIG_MEMCG=yes\n", false},
	{"MEMCG", "CONFIG_MEMCG=m\n", false},
	/* other options whose names begin or end so */
	{"MEMCG", "CONFIG_MEMCG_V1=y\nX_CONFIG_MEMCG=y\n", false},
	{"MODULES", "# CONFIG_MODULES is not set\n", true},
	{"MODULES", "", true},
	{"MODULES", "CONFIG_MODULES=y\n", false},
	{"NR_CPUS", "CONFIG_NR_CPUS=64\n", true},
	{"NR_CPUS", "CONFIG_NR_CPUS=640\n", false},
	{"LOCALVERSION", "CONFIG_LOCALVERSION=\"-a b\"\n", true},
	{"LOCALVERSION", "CONFIG_LOCALVERSION=\"\"\n", false},
};

START_TEST(a_config_keeps_an_option_or_loses_it)
{
	struct tiny_options options = parse(list);

	ck_assert_msg(tiny_option_kept(find(&options, outcomes[_i].name), outcomes[_i].config) ==
			      outcomes[_i].kept,
		      "%s in '%s'", outcomes[_i].name, outcomes[_i].config);
	tiny_options_free(&options);
}
END_TEST

static const struct {
	const char *kconfig;
	bool declared;
} files[] = {
	{"config MEMCG\n\tbool \"x\"\n", true},
	{"if X\nmenuconfig MEMCG\n", true},
	{"config MEMCG", true},
	{"config MEMCG_V1\n\ndepends on MEMCG\n", false},
	{"config MEMCG_V1\nconfig MEMCG\n", true},
	{"\tdefault y if config MEMCG\n", false},
	{"", false},
};

START_TEST(a_kconfig_file_declares_an_option)
{
	struct tiny_options options = parse(list);

	ck_assert_msg(tiny_option_declared(find(&options, "MEMCG"), files[_i].kconfig) ==
			      files[_i].declared,
		      "'%s'", files[_i].kconfig);
	tiny_options_free(&options);
}
END_TEST

Suite *tiny_options_suite(void)
{
	Suite *suite = suite_create("tiny_options");
	TCase *tests = tcase_create("all");

	tcase_add_test(tests, the_shipped_list_has_what_matters);
	tcase_add_loop_test(tests, a_mistake_in_a_list_names_its_line, 0, N(mistakes));
	tcase_add_test(tests, kconfig_gets_its_own_syntax);
	tcase_add_loop_test(tests, a_config_keeps_an_option_or_loses_it, 0, N(outcomes));
	tcase_add_loop_test(tests, a_kconfig_file_declares_an_option, 0, N(files));
	suite_add_tcase(suite, tests);
	return suite;
}

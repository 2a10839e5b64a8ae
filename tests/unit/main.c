/*
 * main() of the libcheck programs: runs the suites named by the test_*.c files of its folder, each
 * in a runner of its own so that each has its line; with arguments only the suites named.
 * Made twice, with the list of tests/unit and with that of tests/integration.
 */
#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SUITE(name) Suite *name##_suite(void);
#include "suites.h"
#undef SUITE

static const struct {
	const char *name;
	Suite *(*make)(void);
} suites[] = {
#define SUITE(name) {#name, name##_suite},
#include "suites.h"
#undef SUITE
};

enum { N_SUITES = sizeof(suites) / sizeof(suites[0]) };

static bool wanted(const char *name, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc < 2;
}

int main(int argc, char **argv)
{
	int failed = 0;

	/* libcheck's 4 s are too few for a sanitized test on a busy machine. */
	setenv("CK_DEFAULT_TIMEOUT", "60", 0);
	for (size_t i = 0; i < N_SUITES; i++) {
		if (!wanted(suites[i].name, argc, argv))
			continue;
		SRunner *runner = srunner_create(suites[i].make());
		/* Skips have been printed; the forked tests must not print them again. */
		fflush(stdout);
		srunner_run_tagged(runner, NULL, NULL, NULL, "skipped", CK_NORMAL);
		failed += srunner_ntests_failed(runner);
		srunner_free(runner);
	}
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

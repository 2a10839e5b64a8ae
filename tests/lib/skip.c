/*
 * See skip.h.
 */
#include "tests/lib/skip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

enum { SKIPS_MAX = 64 };

/* libcheck gives a loop test only a number, so the texts of forbidden skips wait here. */
static char *forbidden[SKIPS_MAX];
static int n_forbidden;

START_TEST(skip_is_forbidden)
{
	ck_abort_msg("OOMLAB_NO_SKIP=1, but: %s", forbidden[_i]);
}
END_TEST

void suite_add_if(Suite *suite, TCase *tcase, const char *name, bool available, const char *reason)
{
	const char *forbid = getenv("OOMLAB_NO_SKIP");

	suite_add_tcase(suite, tcase);
	if (available)
		return;
	/* A case cannot be taken out of a suite again, but a tag that nobody asks for hides it. */
	tcase_set_tags(tcase, "skipped");
	if (!forbid || strcmp(forbid, "1") != 0) {
		printf("skip: %s: %s\n", name, reason);
		return;
	}
	if (n_forbidden >= SKIPS_MAX)
		abort();
	forbidden[n_forbidden] = mem_printf("%s: %s", name, reason);
	TCase *failing = tcase_create("forbidden skip");
	tcase_add_loop_test(failing, skip_is_forbidden, n_forbidden, n_forbidden + 1);
	suite_add_tcase(suite, failing);
	n_forbidden++;
}

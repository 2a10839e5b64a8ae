/*
 * See terminal.h.
 */
#include "harness/cmd/terminal.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/str.h"

enum { COLOUR_AUTO = 0, COLOUR_ALWAYS };

const char *const terminal_colours[] = {"auto", "always", "never", NULL};

bool terminal_is(FILE *out)
{
	const char *term = getenv("TERM");

	return isatty(fileno(out)) && term && *term && !str_eq(term, "dumb");
}

bool terminal_colour(FILE *out, int choice)
{
	const char *refused = getenv("NO_COLOR"); /* no-color.org: when not empty */

	if (choice != COLOUR_AUTO)
		return choice == COLOUR_ALWAYS;
	return terminal_is(out) && !(refused && *refused);
}

int terminal_width(FILE *out)
{
	struct winsize size;

	return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

bool terminal_unicode(void)
{
	locale_t locale = newlocale(LC_CTYPE_MASK, "", NULL);

	if (!locale)
		return false; /* one that is not installed */
	bool utf8 = str_eq(nl_langinfo_l(CODESET, locale), "UTF-8");
	freelocale(locale);
	return utf8;
}

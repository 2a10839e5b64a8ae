/*
 * See toggle.h.
 */
#include "harness/exec/toggle.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/str.h"

char *toggle_sysctl_path(const char *name)
{
	char *path = mem_printf("/proc/sys/%s", name);

	for (char *c = path; *c; c++) {
		if (*c == '.')
			*c = '/';
	}
	return path;
}

/* Moves the part of text in [from, to) to its front. */
static void keep(char *text, const char *from, const char *to)
{
	size_t n = (size_t)(to - from);

	memmove(text, from, n);
	text[n] = '\0';
}

int toggle_read(const char *path, char value[TOGGLE_VALUE_MAX], struct err *err)
{
	char text[TOGGLE_VALUE_MAX];
	int n = fd_read_text(AT_FDCWD, path, text, sizeof(text), err);

	if (n < 0)
		return n;
	while (n > 0 && isspace((unsigned char)text[n - 1]))
		text[--n] = '\0';
	char *open = strchr(text, '[');
	char *close = open ? strchr(open, ']') : NULL;
	if (close)
		keep(text, open + 1, close);
	memcpy(value, text, sizeof(text));
	return 0;
}

static bool as_number(const char *text, long long *ret)
{
	char *end;

	errno = 0;
	*ret = strtoll(text, &end, 0);
	while (isspace((unsigned char)*end))
		end++;
	return end != text && *end == '\0' && errno == 0;
}

bool toggle_same(const char *a, const char *b)
{
	long long na, nb;

	if (as_number(a, &na) && as_number(b, &nb))
		return na == nb;
	return str_eq(a, b);
}

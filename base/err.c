/*
 * See err.h. Truncation is visible ("...") and never an error of its own.
 */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void mark_cut(char *text, size_t size, int needed)
{
	if (needed >= 0 && (size_t)needed < size)
		return;
	memcpy(text + size - 4, "...", 4);
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	mark_cut(err->text, sizeof(err->text), n);
	err->code = code;
	return -code;
}

int err_errno(struct err *err, int errnum, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	mark_cut(err->text, sizeof(err->text), n);
	size_t len = strlen(err->text);
	int m = snprintf(err->text + len, sizeof(err->text) - len, ": %s", strerror(errnum));
	mark_cut(err->text, sizeof(err->text), (int)len + m);
	err->code = errnum;
	return -errnum;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	char whole[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(whole, sizeof(whole), fmt, ap);
	va_end(ap);
	mark_cut(whole, sizeof(whole), n);
	size_t len = strlen(whole);
	int m = snprintf(whole + len, sizeof(whole) - len, ": %s", err->text);
	mark_cut(whole, sizeof(whole), (int)len + m);
	memcpy(err->text, whole, sizeof(whole));
	return -err->code;
}

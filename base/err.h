/*
 * One error value for the whole project: a code and one line of text, on the caller's stack.
 * It never allocates, because our errors happen when memory is gone.
 *
 * A fallible function takes 'struct err *err' as its last parameter (never NULL) and returns
 * >= 0 on success, -err->code on failure. The leaf calls err_set() or err_errno(); each caller
 * puts its own noun in front with err_wrap(), so that a person reads one line such as
 *   group 'victims': memory.max: cannot write '80M': Device or resource busy
 */
#ifndef OOMLAB_BASE_ERR_H
#define OOMLAB_BASE_ERR_H

enum { ERR_TEXT_MAX = 1000 };

struct err {
	int code;		 /* a positive errno value; 0 while nothing failed */
	char text[ERR_TEXT_MAX]; /* no trailing newline; cut (with "...") when too long */
};

#define ERR_INIT ((struct err){.code = 0})

/* Sets text; returns -code. 'code' must be positive. */
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_set, and appends ": " and the name of errnum; the code is errnum. */
int err_errno(struct err *err, int errnum, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "<formatted>: " in front of the text that is there; returns -err->code. */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif

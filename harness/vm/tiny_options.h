/*
 * The options of a kernel of our own, tiny.options, which is compiled in: as a text for kconfig,
 * and held against what kconfig made of it. Pure.
 */
#ifndef OOMLAB_VM_TINY_OPTIONS_H
#define OOMLAB_VM_TINY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

struct tiny_option {
	const char *name;  /* without CONFIG_ */
	const char *value; /* "y", "n", a number, or a text in quotes */
	const char *why;
	bool must; /* a kernel that knows it and is built without is of no use */
};

struct tiny_options {
	size_t n;
	struct tiny_option *all;
	char *text; /* what they point into */
};

/* The text of tiny.options as it was when oomlab was built. */
const char *tiny_options_text(void);
/* -EINVAL names the line. */
int tiny_options_parse(const char *text, struct tiny_options *ret, struct err *err);
void tiny_options_free(struct tiny_options *options);

/* As kconfig reads them: "CONFIG_MEMCG=y", "# CONFIG_MODULES is not set". */
void tiny_options_fragment(const struct tiny_options *options, struct str *out);
/* Whether a .config says so. An option that is "n" may as well be missing there. */
bool tiny_option_kept(const struct tiny_option *option, const char *config);
/* Whether a Kconfig file declares it, for some architecture at least. */
bool tiny_option_declared(const struct tiny_option *option, const char *kconfig);

#endif

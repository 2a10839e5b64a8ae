/*
 * Which mirrors and suites of Debian's archive there may be: those of the system's own sources, or
 * of $OOMLAB_MIRROR, with every suite that has or will have kernels.
 */
#ifndef OOMLAB_VM_APT_SOURCES_H
#define OOMLAB_VM_APT_SOURCES_H

#include <stddef.h>

#include "base/err.h"
#include "base/str.h"

struct apt_source {
	char *uri; /* with a final slash */
	char *suite;
};

struct apt_sources {
	size_t n;
	struct apt_source *all;
	char *keyring;
};

/* Asks apt-get. -ENOENT: no apt, no keys, or no source of Debian's, each said. */
int apt_sources_find(const char *const *more, struct apt_sources *ret, struct err *err);
void apt_sources_free(struct apt_sources *sources);

/* The lines of a sources.list. */
void apt_sources_text(const struct apt_sources *sources, struct str *out);
/* How apt names the index of a suite among its lists, without the ending of its compression. */
char *apt_list_name(const char *uri, const char *suite);

/* From the lines "URI SUITE COMPONENT ORIGIN" that apt-get prints (ORIGIN "" or unexpanded when it
 * has not been downloaded). Pure. */
void apt_sources_read(struct apt_sources *sources, const char *lines, const char *const *more);

#endif

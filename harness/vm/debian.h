/*
 * Debian's kernels as its package indexes tell of them, pure: text in, the chosen packages out. Of
 * all packages those of the "cloud" flavour for amd64 matter: small, with what a machine in QEMU
 * has built in, and made for every suite.
 *
 * Until 6.18 one package, linux-image-RELEASE, holds the kernel and its modules; since 6.19 it
 * depends on linux-binary-RELEASE and linux-modules-RELEASE, of which a mirror may have dropped
 * the second when it still has the first. Sources, with Debian's patches, are in linux-source-X.Y.
 */
#ifndef OOMLAB_VM_DEBIAN_H
#define OOMLAB_VM_DEBIAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

#define DEBIAN_PREFIX "debian:" /* of what a person asks for */
#define DEBIAN_SOURCE "linux-source-"

struct debian_package {
	char *name, *version, *depends; /* depends: "" without any */
	char *suite;			/* codename, as in dists/: "bookworm-security" */
	char *alias;			/* its other name now: "oldstable-security"; "" */
	char *uri;			/* of the repository, with a final slash */
	char *file;			/* below it */
	char *sha256;			/* 64 digits */
	uint64_t size_bytes;
	uint64_t installed_bytes;
};

struct debian_index {
	size_t n;
	struct debian_package *all;
};

/* Where a text is from. */
struct debian_source {
	const char *suite, *alias, *uri;
};

/* Adds the kernels and their sources of a Packages file, or with source NULL of what
 * debian_index_text() made. Paragraphs that lack something, or whose file would be outside of the
 * repository, are left out. Returns how many were added. */
size_t debian_index_add(struct debian_index *index, const char *text, size_t len,
			const struct debian_source *source);
void debian_index_text(const struct debian_index *index, struct str *out);
void debian_index_free(struct debian_index *index);

/* Borrowed from the index. */
struct debian_kernel {
	const char *release; /* uname -r: "6.1.0-56-cloud-amd64" */
	const struct debian_package *image;
	const struct debian_package *modules; /* may be the image; NULL: the mirror lacks it */
};

/* All that can be had, each version once, newest first; free() it. Returns how many. */
size_t debian_kernels(const struct debian_index *index, struct debian_kernel **ret);

/* Whether the wish (without "debian:") names a suite rather than a version. */
bool debian_is_suite(const char *wish);
/* -EINVAL: no version and no suite; -ENOENT: none such, the message names the nearest. A version
 * may be cut off at any of its parts ("6.1", "6.12.117", "6.1.0-56", "6.1.192-2"); of those that
 * it fits, those with modules come first and then the newest. A suite means what its metapackage
 * names, security updates included. */
int debian_choose(const struct debian_index *index, const char *wish, struct debian_kernel *ret,
		  struct err *err);

/* The newest source of each X.Y, newest first, borrowed from the index; free() the list. */
size_t debian_sources(const struct debian_index *index, const struct debian_package ***ret);
/* The newest source that a wish fits, with the errors of debian_choose(); a suite means the newest
 * that is in it. */
int debian_choose_source(const struct debian_index *index, const char *wish,
			 const struct debian_package **ret, struct err *err);

/* Whether it begins so, up to the end of a part: "6.1" begins "6.1.0-56" and not "6.12". */
bool debian_begins(const char *version, const char *wish);
/* In the suite or in the security updates to it, by codename or alias. */
bool debian_in_suite(const struct debian_package *package, const char *suite);
/* The order of Debian versions, as deb-version(7) has it. */
int debian_version_cmp(const char *a, const char *b);

#endif

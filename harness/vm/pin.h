/*
 * A kernel of Debian's as it was chosen once: what a spec means until it is updated, which packages
 * that were, and what came out of them; or a tiny one, built here of Debian's source, and with
 * what. Stored as JSON; pure.
 */
#ifndef OOMLAB_VM_PIN_H
#define OOMLAB_VM_PIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "harness/vm/debian.h"

#define TINY_PREFIX "tiny:" /* of kernels that were built here */

struct pin {
	char *spec;    /* "debian:6.1"; "" in the description of a cached kernel */
	char *release; /* "6.1.0-56-cloud-amd64" */
	char *version; /* "6.1.192-2" */
	char *suite;
	char *vmlinux_sha256; /* "" before it has been fetched */
	uint64_t vmlinux_bytes;
	bool modules;	      /* there are some; else the mirror had none any more */
	uint64_t bytes;	      /* all of it in the cache */
	char *options_sha256; /* of what was asked of kconfig; NULL: a kernel as Debian built it */
	char *config_sha256;  /* of the .config that came out */
	char *compiler;	      /* "gcc (Debian 12.2.0-14+deb12u1) 12.2.0" */
	json_t *packages;     /* objects: package, version, uri, file, sha256, size_bytes,
				 installed_bytes */
};

void pin_clear(struct pin *pin);
json_t *pin_to_json(const struct pin *pin);
/* -EINVAL: something is missing, or would not be a name of a file. */
int pin_from_json(const json_t *json, struct pin *ret, struct err *err);

void pin_from_kernel(const char *spec, const struct debian_kernel *kernel, struct pin *ret);
/* Of a source, before it is built: the release and all of what came out are still missing. */
void pin_from_source(const char *spec, const struct debian_package *source, struct pin *ret);
bool pin_is_tiny(const struct pin *pin);
/* What a kernel goes by that no spec means: "debian:RELEASE", "tiny:VERSION". */
char *pin_own_spec(const struct pin *pin);
/* Its package at i, borrowed from the pin, as far as fetching needs it. false: no such. */
bool pin_package(const struct pin *pin, size_t i, struct debian_package *ret);
/* The name of its folder: RELEASE_VERSION. */
char *pin_folder(const struct pin *pin);

#endif

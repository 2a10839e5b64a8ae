/*
 * A kernel of Debian's as it was chosen once: what a spec means until it is updated, which packages
 * that were, and what came out of them. Stored as JSON; pure.
 */
#ifndef OOMLAB_VM_PIN_H
#define OOMLAB_VM_PIN_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "harness/vm/debian.h"

struct pin {
	char *spec;    /* "debian:6.1"; "" in the description of a cached kernel */
	char *release; /* "6.1.0-56-cloud-amd64" */
	char *version; /* "6.1.192-2" */
	char *suite;
	char *vmlinux_sha256; /* "" before it has been fetched */
	uint64_t vmlinux_bytes;
	bool modules;	  /* there are some; else the mirror had none any more */
	uint64_t bytes;	  /* all of it in the cache */
	json_t *packages; /* objects: package, version, uri, file, sha256, size_bytes,
			     installed_bytes */
};

void pin_clear(struct pin *pin);
json_t *pin_to_json(const struct pin *pin);
/* -EINVAL: something is missing, or would not be a name of a file. */
int pin_from_json(const json_t *json, struct pin *ret, struct err *err);

void pin_from_kernel(const char *spec, const struct debian_kernel *kernel, struct pin *ret);
/* Its package at i, borrowed from the pin, as far as fetching needs it. false: no such. */
bool pin_package(const struct pin *pin, size_t i, struct debian_package *ret);
/* The name of its folder: RELEASE_VERSION. */
char *pin_folder(const struct pin *pin);

#endif

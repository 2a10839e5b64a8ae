/*
 * Debian's archive through apt, with folders of its own: what the system has installed, configured
 * or downloaded is neither used nor touched, its proxies and mirrors excepted. apt checks the
 * signatures of indexes with the archive's keys and the files by the indexes' hashes; nothing
 * unsigned is ever taken, whatever the system's configuration allows.
 *
 * Environment: OOMLAB_MIRROR (URIs with spaces between, instead of those that the system uses;
 * those that end in "-security" hold security updates), OOMLAB_KEYRING (instead of
 * debian-archive-keyring's).
 */
#ifndef OOMLAB_VM_APT_H
#define OOMLAB_VM_APT_H

#include "base/err.h"
#include "harness/vm/debian.h"
#include "harness/vm/fetch.h"

/* Refreshes the indexes of all suites that the mirrors have, kept below folder, and reads the
 * kernels in them. 'more': further suites to look for, NULL-terminated; may be NULL.
 * -ENOENT: no apt, no keys, no mirror; -ENETUNREACH: none can be reached; -EKEYREJECTED: nothing
 * that is signed as it should be; -ENOSPC; -EINTR. */
int apt_update(const char *folder, const char *const *more, const struct fetch_watch *watch,
	       struct debian_index *ret, struct err *err);

/* Fetches one package to a path. -ENOENT: the mirror has it no more; else as above. */
int apt_fetch(const char *folder, const struct debian_package *package, const char *path,
	      const struct fetch_watch *watch, struct err *err);

/* What apt complained of as an error of ours; 'text' is its stderr. Pure. */
int apt_error(const char *text, struct err *err);

#endif

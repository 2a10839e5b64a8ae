/*
 * The version of this build. The Makefile writes the text to build/gen/version.h; it is included
 * in version.c alone, so that a new commit recompiles one file.
 */
#ifndef OOMLAB_BASE_VERSION_H
#define OOMLAB_BASE_VERSION_H

extern const char oomlab_version[]; /* "0.1.0", or "0.1.0 (v0.1.0-3-g1a2b3c4)" from a checkout */
extern const char oomlab_date[];    /* of the release or the commit, "November 22, 2026" */

#endif

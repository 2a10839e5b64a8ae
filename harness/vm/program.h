/*
 * Programs of this machine for the image, with the shared libraries that they need.
 */
#ifndef OOMLAB_VM_PROGRAM_H
#define OOMLAB_VM_PROGRAM_H

#include "base/err.h"
#include "harness/vm/image.h"

/* Adds a program of $PATH, or at a path, under its own path, and what the dynamic loader says it
 * needs. A path may name any other file, or a folder with all files in it. -ENOENT: there is none.
 */
int program_add(struct image *image, const char *name, struct err *err);

#endif

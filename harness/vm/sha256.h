/*
 * SHA-256 of files and memory, as 64 hexadecimal digits.
 */
#ifndef OOMLAB_VM_SHA256_H
#define OOMLAB_VM_SHA256_H

#include <stddef.h>

#include "base/err.h"

enum { SHA256_TEXT = 65 };

void sha256_of(const void *data, size_t size, char text[SHA256_TEXT]);
/* Of all of an open file, whatever its offset is. */
int sha256_of_fd(int fd, char text[SHA256_TEXT], struct err *err);

#endif

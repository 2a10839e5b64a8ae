/*
 * What a virtual machine boots: the kernel as an ELF file that QEMU starts by PVH, and an initramfs
 * that is the same bytes whenever the same files go in, because a replay depends on it.
 */
#ifndef OOMLAB_VM_IMAGE_H
#define OOMLAB_VM_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

/* Decompresses by content (gzip, xz, zstd, the legacy lz4 of kernels; anything else is taken as
 * it is) and appends it. -EPROTO: damaged. */
int image_decompress(const void *data, size_t size, size_t max, struct str *out, struct err *err);

/* The vmlinux within a bzImage; an ELF file is taken as it is. -EPROTO: neither, or damaged. */
int image_vmlinux(const void *data, size_t size, struct str *out, struct err *err);

/* One file, or with 'text' NULL and no 'from' a directory. */
struct image_file {
	char *path; /* in the image, without the leading '/' */
	char *from; /* on this machine; NULL: 'text' */
	char *text;
	size_t len;    /* of text */
	unsigned mode; /* S_IFREG | 0755, S_IFDIR | 0755, S_IFLNK | 0777 (text: target) */
};

struct image {
	size_t n;
	struct image_file *files;
};

void image_free(struct image *image);
/* Later additions of the same path replace earlier ones; parent directories are added. */
void image_add_file(struct image *image, const char *path, const char *from, unsigned mode);
void image_add_text(struct image *image, const char *path, const void *text, size_t len,
		    unsigned mode);
void image_add_dir(struct image *image, const char *path);
void image_add_link(struct image *image, const char *path, const char *target);
bool image_has(const struct image *image, const char *path);
/* All regular files below a folder. */
int image_add_tree(struct image *image, const char *path, const char *from, struct err *err);

/* Writes the cpio archive (newc, sorted by path, times, owners and inodes fixed) to fd. */
int image_write(struct image *image, int fd, struct err *err);

#endif

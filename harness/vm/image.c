/*
 * The initramfs as an archive: a list of files, sorted and written with everything fixed that would
 * make two builds differ. See image.h.
 */
#include "harness/vm/image.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"

enum { FILE_MAX = 256 * 1024 * 1024 };

void image_free(struct image *image)
{
	for (size_t i = 0; i < image->n; i++) {
		free(image->files[i].path);
		free(image->files[i].from);
		free(image->files[i].text);
	}
	free(image->files);
	*image = (struct image){0};
}

static struct image_file *add(struct image *image, const char *path, unsigned mode)
{
	for (size_t i = 0; i < image->n; i++) {
		struct image_file *file = &image->files[i];
		if (!str_eq(file->path, path))
			continue;
		free(file->from);
		free(file->text);
		*file = (struct image_file){.path = file->path, .mode = mode};
		return file;
	}
	image->files = mem_grow(image->files, image->n + 1, sizeof(*image->files));
	image->files[image->n] = (struct image_file){.path = mem_dup(path), .mode = mode};
	return &image->files[image->n++];
}

static void add_parents(struct image *image, const char *path)
{
	MEM_AUTO char *parent = mem_dup(path);
	char *slash = strrchr(parent, '/');

	if (!slash || slash == parent)
		return;
	*slash = '\0';
	image_add_dir(image, parent);
}

void image_add_dir(struct image *image, const char *path)
{
	for (size_t i = 0; i < image->n; i++)
		if (str_eq(image->files[i].path, path))
			return;
	add_parents(image, path);
	(void)add(image, path, S_IFDIR | 0755);
}

void image_add_file(struct image *image, const char *path, const char *from, unsigned mode)
{
	add_parents(image, path);
	add(image, path, S_IFREG | mode)->from = mem_dup(from);
}

void image_add_text(struct image *image, const char *path, const void *text, size_t len,
		    unsigned mode)
{
	add_parents(image, path);
	struct image_file *file = add(image, path, S_IFREG | mode);
	file->text = mem_new(len + 1);
	memcpy(file->text, text, len);
	file->text[len] = '\0';
	file->len = len;
}

void image_add_link(struct image *image, const char *path, const char *target)
{
	add_parents(image, path);
	struct image_file *file = add(image, path, S_IFLNK | 0777);
	file->text = mem_dup(target);
	file->len = strlen(target);
}

int image_add_tree(struct image *image, const char *path, const char *from, struct err *err)
{
	MEM_AUTO char *root = mem_dup(from);
	char *const roots[] = {root, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	int r = 0;

	if (!walk)
		return err_errno(err, errno, "cannot read '%s'", from);
	for (FTSENT *entry; r == 0 && (entry = fts_read(walk)) != NULL;) {
		const char *below = entry->fts_path + strlen(from);
		MEM_AUTO char *to = mem_printf("%s%s", path, below);
		if (entry->fts_info == FTS_F)
			image_add_file(image, to, entry->fts_path,
				       entry->fts_statp->st_mode & 0111 ? 0755 : 0644);
		else if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR ||
			 entry->fts_info == FTS_NS)
			r = err_errno(err, entry->fts_errno, "cannot read '%s'", entry->fts_path);
	}
	(void)fts_close(walk);
	return r;
}

/* ---- the archive ---------------------------------------------------------------------------- */

static int by_path(const void *a, const void *b)
{
	const struct image_file *x = a, *y = b;

	return strcmp(x->path, y->path);
}

static int write_content(struct archive *archive, const struct image_file *file,
			 struct archive_entry *entry, const char *data, size_t len, struct err *err)
{
	archive_entry_set_size(entry, S_ISREG(file->mode) ? (la_int64_t)len : 0);
	if (archive_write_header(archive, entry) != ARCHIVE_OK)
		return err_set(err, EIO, "cannot write '%s': %s", file->path,
			       archive_error_string(archive));
	if (S_ISREG(file->mode) && archive_write_data(archive, data, len) != (la_ssize_t)len)
		return err_set(err, EIO, "cannot write '%s': %s", file->path,
			       archive_error_string(archive));
	return 0;
}

static int write_file(struct archive *archive, const struct image_file *file, size_t number,
		      struct err *err)
{
	struct archive_entry *entry = archive_entry_new();
	STR_AUTO content = STR_INIT;
	int r = 0;

	archive_entry_set_pathname(entry, file->path);
	archive_entry_set_mode(entry, (mode_t)file->mode);
	archive_entry_set_ino64(entry, (la_int64_t)number + 1);
	archive_entry_set_nlink(entry, 1);
	archive_entry_set_mtime(entry, 0, 0);
	if (S_ISLNK(file->mode))
		archive_entry_set_symlink(entry, file->text);
	if (file->from)
		r = fd_read_at_most(AT_FDCWD, file->from, FILE_MAX, &content, err);
	if (r >= 0)
		r = write_content(archive, file, entry, file->from ? content.s : file->text,
				  file->from ? content.len : file->len, err);
	archive_entry_free(entry);
	return r < 0 ? r : 0;
}

int image_write(struct image *image, int fd, struct err *err)
{
	struct archive *archive = archive_write_new();
	int r = 0;

	qsort(image->files, image->n, sizeof(*image->files), by_path);
	(void)archive_write_set_format_cpio_newc(archive);
	(void)archive_write_set_bytes_per_block(archive, 1 << 20);
	(void)archive_write_set_bytes_in_last_block(archive, 1);
	if (archive_write_open_fd(archive, fd) != ARCHIVE_OK)
		r = err_set(err, EIO, "cannot start the image: %s", archive_error_string(archive));
	for (size_t i = 0; i < image->n && r == 0; i++)
		r = write_file(archive, &image->files[i], i, err);
	if (archive_write_close(archive) != ARCHIVE_OK && r == 0)
		r = err_set(err, EIO, "cannot end the image: %s", archive_error_string(archive));
	(void)archive_write_free(archive);
	return r;
}

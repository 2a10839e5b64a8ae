/*
 * The initramfs as an archive: a list of files, sorted and written with everything fixed that would
 * make two builds differ. See image.h.
 */
#include "harness/vm/image.h"

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

static struct image_file *find(const struct image *image, const char *path)
{
	for (size_t i = 0; i < image->n; i++)
		if (str_eq(image->files[i].path, path))
			return &image->files[i];
	return NULL;
}

static struct image_file *add(struct image *image, const char *path, unsigned mode)
{
	struct image_file *file = find(image, path);
	char *kept = file ? file->path : mem_dup(path);

	if (file) {
		free(file->from);
		free(file->text);
	} else {
		image->files = mem_grow(image->files, image->n + 1, sizeof(*image->files));
		file = &image->files[image->n++];
	}
	*file = (struct image_file){.path = kept, .mode = mode};
	return file;
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

bool image_has(const struct image *image, const char *path)
{
	return find(image, path) != NULL;
}

void image_add_dir(struct image *image, const char *path)
{
	if (image_has(image, path))
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

/* Documentation/driver-api/early-userspace/buffer-format.rst: "070701", thirteen fields of eight
 * hex digits, the name, the content, each padded to four bytes. */
static void add_entry(struct str *out, const char *path, unsigned mode, size_t number,
		      const char *data, size_t len)
{
	size_t name = strlen(path) + 1;
	const unsigned fields[] = {(unsigned)number, mode, 0, 0, 1, 0, (unsigned)len, 0, 0, 0, 0,
				   (unsigned)name,   0};

	str_add(out, "070701");
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		str_addf(out, "%08x", fields[i]);
	str_addn(out, path, name);
	while (out->len % 4)
		str_addn(out, "", 1);
	if (len)
		str_addn(out, data, len);
	while (out->len % 4)
		str_addn(out, "", 1);
}

static int add_content(struct str *out, const struct image_file *file, size_t number,
		       struct err *err)
{
	STR_AUTO content = STR_INIT;

	if (file->from && fd_read_at_most(AT_FDCWD, file->from, FILE_MAX, &content, err) < 0)
		return -err->code;
	add_entry(out, file->path, file->mode, number, file->from ? str_text(&content) : file->text,
		  file->from ? content.len : file->len);
	return 0;
}

int image_write(struct image *image, int fd, struct err *err)
{
	STR_AUTO out = STR_INIT;
	int r = 0;

	qsort(image->files, image->n, sizeof(*image->files), by_path);
	for (size_t i = 0; i < image->n && r == 0; i++)
		r = add_content(&out, &image->files[i], i + 1, err);
	if (r < 0)
		return r;
	add_entry(&out, "TRAILER!!!", 0, 0, NULL, 0);
	r = fd_write_full(fd, out.s, out.len);
	return r < 0 ? err_errno(err, -r, "cannot write the image") : 0;
}

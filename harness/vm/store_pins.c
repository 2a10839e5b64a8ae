/*
 * Pins and cached kernels of the store. See store.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/vm/store.h"

enum { JSON_MAX = 1 << 20 };

/* 1; 0: not there, or not what we have written. */
static int read_json(const struct store *store, const char *name, struct pin *ret, struct err *err)
{
	STR_AUTO text = STR_INIT;
	struct err damage = ERR_INIT;
	int r = faccessat(store->dir, name, F_OK, 0);

	if (r < 0)
		return 0;
	r = fd_read_at_most(store->dir, name, JSON_MAX, &text, err);
	if (r < 0)
		return r;
	json_t *json = json_loadb(str_text(&text), text.len, 0, NULL);
	r = json ? pin_from_json(json, ret, &damage) : -EINVAL;
	json_decref(json);
	return r < 0 ? 0 : 1;
}

static char *pin_name(const char *wish)
{
	return mem_printf("pins/%s.json", wish);
}

int store_read_pin(const struct store *store, const char *wish, struct pin *ret, struct err *err)
{
	MEM_AUTO char *name = pin_name(wish);

	return read_json(store, name, ret, err);
}

int store_write_pin(const struct store *store, const char *wish, const struct pin *pin,
		    struct err *err)
{
	MEM_AUTO char *name = pin_name(wish);
	json_t *json = pin_to_json(pin);
	char *text = json_dumps(json, JSON_INDENT(2));
	int r = store_put(store, name, text, strlen(text), err);

	free(text);
	json_decref(json);
	return r;
}

int store_remove_pin(const struct store *store, const char *wish, struct err *err)
{
	MEM_AUTO char *name = pin_name(wish);

	if (unlinkat(store->dir, name, 0) < 0 && errno != ENOENT)
		return err_errno(err, errno, "cannot remove '%s/%s'", store->path, name);
	return 0;
}

int store_read_kernel(const struct store *store, const char *folder, struct pin *ret,
		      struct err *err)
{
	MEM_AUTO char *name = mem_printf("kernels/%s/kernel.json", folder);

	return read_json(store, name, ret, err);
}

/* Who boots it holds a shared lock on the vmlinux. Moved away first, so that half of it is never
 * taken for a kernel. */
int store_remove_kernel(const struct store *store, const char *folder, struct err *err)
{
	MEM_AUTO char *image = mem_printf("kernels/%s/vmlinux", folder);
	MEM_AUTO char *from = store_path(store, "kernels/%s", folder);
	MEM_AUTO char *to = store_path(store, "work/%s", folder);
	FD_AUTO fd = openat(store->dir, image, O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0)
		return err_set(err, EBUSY, "kernel '%s' is used by a machine that runs", folder);
	if (rename(from, to) < 0)
		return errno == ENOENT ? 0 : err_errno(err, errno, "cannot move '%s'", from);
	return store_remove_tree(to, err);
}

/* ---- lists ---------------------------------------------------------------------------------- */

static int by_version(const void *a, const void *b)
{
	const struct pin *x = a, *y = b;
	int difference = debian_version_cmp(x->version, y->version);

	return difference ? difference : strcmp(x->spec, y->spec);
}

void store_pins_free(struct store_pins *pins)
{
	for (size_t i = 0; i < pins->n; i++)
		pin_clear(&pins->all[i]);
	free(pins->all);
	*pins = (struct store_pins){0};
}

/* 'file': within each entry of the folder; NULL: the entry itself. */
static int list(const struct store *store, const char *folder, const char *file,
		struct store_pins *ret, struct err *err)
{
	MEM_AUTO char *path = store_path(store, "%s", folder);
	struct store_pins pins = {0};
	DIR *dir = opendir(path);
	int r = 0;

	if (!dir)
		return err_errno(err, errno, "cannot read '%s'", path);
	for (struct dirent *entry; r >= 0 && (entry = readdir(dir)) != NULL;) {
		MEM_AUTO char *name = mem_printf("%s/%s%s%s", folder, entry->d_name,
						 file ? "/" : "", file ? file : "");
		struct pin pin;
		if (entry->d_name[0] == '.')
			continue;
		r = read_json(store, name, &pin, err);
		if (r <= 0)
			continue;
		pins.all = mem_grow(pins.all, pins.n + 1, sizeof(*pins.all));
		pins.all[pins.n++] = pin;
	}
	(void)closedir(dir);
	if (pins.n)
		qsort(pins.all, pins.n, sizeof(*pins.all), by_version);
	if (r < 0)
		store_pins_free(&pins);
	else
		*ret = pins;
	return r < 0 ? r : 0;
}

int store_list_pins(const struct store *store, struct store_pins *ret, struct err *err)
{
	return list(store, "pins", NULL, ret, err);
}

int store_list_kernels(const struct store *store, struct store_pins *ret, struct err *err)
{
	return list(store, "kernels", "kernel.json", ret, err);
}

/*
 * See modules.h. Names are compared as the kernel does, with '-' and '_' the same.
 */
#include "harness/vm/modules.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "harness/vm/modinfo.h"

enum { MODULE_MAX = 64 * 1024 * 1024, DEPTH_MAX = 16 };

struct module {
	char *name; /* with '_' */
	char *path;
	bool added;
};

struct modules {
	size_t n;
	struct module *all; /* sorted by name */
	int next;	    /* number of the next one in the image */
};

/* "lzo-rle.ko.xz" -> "lzo_rle"; NULL: no module. */
static char *module_name(const char *file)
{
	const char *end = strstr(file, ".ko");

	if (!end || (end[3] != '\0' && end[3] != '.'))
		return NULL;
	char *name = mem_dup(file);
	name[end - file] = '\0';
	for (char *at = name; *at; at++)
		if (*at == '-')
			*at = '_';
	return name;
}

static int by_name(const void *a, const void *b)
{
	const struct module *x = a, *y = b;

	return strcmp(x->name, y->name);
}

int modules_open(const char *folder, struct modules **ret, struct err *err)
{
	MEM_AUTO char *root = mem_dup(folder);
	char *const roots[] = {root, NULL};
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	struct modules *modules = mem_zero(1, sizeof(*modules));

	if (!walk) {
		free(modules);
		return err_errno(err, errno, "cannot read '%s'", folder);
	}
	for (FTSENT *entry; (entry = fts_read(walk)) != NULL;) {
		char *name = entry->fts_info == FTS_F ? module_name(entry->fts_name) : NULL;
		if (!name)
			continue;
		modules->all = mem_grow(modules->all, modules->n + 1, sizeof(*modules->all));
		modules->all[modules->n++] =
			(struct module){.name = name, .path = mem_dup(entry->fts_path)};
	}
	(void)fts_close(walk);
	if (modules->n)
		qsort(modules->all, modules->n, sizeof(*modules->all), by_name);
	*ret = modules;
	return 0;
}

void modules_free(struct modules *modules)
{
	if (!modules)
		return;
	for (size_t i = 0; i < modules->n; i++) {
		free(modules->all[i].name);
		free(modules->all[i].path);
	}
	free(modules->all);
	free(modules);
}

static struct module *find(struct modules *modules, const char *name)
{
	MEM_AUTO char *file = mem_printf("%s.ko", name);
	MEM_AUTO char *clean = module_name(file);
	struct module key = {.name = clean};

	if (!modules->n || !clean)
		return NULL;
	return bsearch(&key, modules->all, modules->n, sizeof(key), by_name);
}

static int add_module(struct modules *modules, struct module *module, struct image *image,
		      int depth, struct err *err);

/* "zsmalloc,lzo-rle" of depends, "pre: crc32c post: x" of softdep: each word that is a module here.
 */
static int add_words(struct modules *modules, const char *words, struct image *image, int depth,
		     struct err *err)
{
	MEM_AUTO char *copy = mem_dup(words);
	char *rest = copy, *word;
	int r = 0;

	while (r >= 0 && (word = strsep(&rest, ", ")) != NULL) {
		struct module *module = *word ? find(modules, word) : NULL;
		if (module)
			r = add_module(modules, module, image, depth + 1, err);
	}
	return r;
}

struct need {
	struct modules *modules;
	struct image *image;
	int depth;
};

static int take_info(void *arg, const char *text, struct err *err)
{
	static const char *const keys[] = {"depends=", "softdep=", NULL};
	const struct need *need = arg;

	for (size_t i = 0; keys[i]; i++)
		if (str_starts(text, keys[i]))
			return add_words(need->modules, text + strlen(keys[i]), need->image,
					 need->depth, err);
	return 0;
}

/* What it needs comes first, then itself. */
static int add_content(struct modules *modules, const struct module *module, struct image *image,
		       int depth, struct err *err)
{
	struct need need = {modules, image, depth};
	STR_AUTO packed = STR_INIT;
	STR_AUTO plain = STR_INIT;
	int r = fd_read_at_most(AT_FDCWD, module->path, MODULE_MAX, &packed, err);

	if (r >= 0)
		r = image_decompress(packed.s, packed.len, MODULE_MAX, &plain, err);
	if (r >= 0)
		r = modinfo_read(plain.s, plain.len, take_info, &need, err);
	if (r < 0)
		return err_wrap(err, "module '%s'", module->path);
	MEM_AUTO char *to = mem_printf("lib/modules/%03d-%s.ko", modules->next, module->name);
	image_add_text(image, to, plain.s, plain.len, 0644);
	modules->next++;
	return 0;
}

static int add_module(struct modules *modules, struct module *module, struct image *image,
		      int depth, struct err *err)
{
	if (module->added)
		return 0;
	if (depth > DEPTH_MAX)
		return err_set(err, ELOOP, "module '%s' depends on too many others", module->name);
	module->added = true; /* a circle of soft dependencies ends here */
	return add_content(modules, module, image, depth, err);
}

int modules_add(struct modules *modules, const char *name, struct image *image, struct err *err)
{
	struct module *module = find(modules, name);
	int before = modules->next;

	if (!module)
		return 0;
	int r = add_module(modules, module, image, 0, err);
	return r < 0 ? r : modules->next - before;
}

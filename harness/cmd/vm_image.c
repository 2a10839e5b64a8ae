/*
 * See vm_image.h.
 */
#include "harness/cmd/vm_image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/cmd/cmd.h"
#include "harness/cmd/vm_programs.h"
#include "harness/record/field.h"
#include "harness/vm/image.h"
#include "harness/vm/modules.h"
#include "harness/vm/program.h"

/* Loaded where the kernel has them as modules; what they depend on comes along. Each costs an
 * emulated CPU some 20 ms, most of it for its signature, so they are left out where neither a disk
 * nor a script is wanted. Without lzo-rle 5.10's and 6.1's zram cannot start its default
 * compressor, which no dependency says. */
static const char *const wanted_modules[] = {"lzo-rle",	      "zram", "virtio_pci", "virtio_blk",
					     "binfmt_script", "ext4", NULL};

static int add_programs(struct image *image, struct err *err)
{
	static const struct {
		const char *name, *path;
	} programs[] = {{"guest/init", "init"}, {"guest/oomlab", "bin/oomlab"}};

	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
		MEM_AUTO char *from = NULL;
		if (cmd_find_companion(programs[i].name, &from, err) < 0)
			return -err->code;
		image_add_file(image, programs[i].path, from, 0755);
	}
	MEM_AUTO char *hog = NULL;
	if (cmd_find_hog(&hog, err) < 0)
		return -err->code;
	image_add_file(image, "bin/oomhog", hog, 0755);
	return 0;
}

/* What shells of the catalogue's scenarios call, and a person. */
static int add_with(const struct vm_image_request *request, const struct vm_wants *wants,
		    struct image *image, struct err *err)
{
	static const char *const person[] = {"bash",   "busybox", "cp",	   "date", "df",    "dmesg",
					     "echo",   "env",	  "find",  "free", "id",    "kill",
					     "ln",     "ls",	  "mkdir", "mv",   "nproc", "ps",
					     "rm",     "rmdir",	  "sort",  "stty", "top",   "tr",
					     "umount", "uname",	  "vi",	   "wc",   "xxd",   NULL};
	const struct opt_list *with = request->with;
	static const char *const callable[] = {"sh",	  "cat",  "dd",	     "grep",  "head",
					       "mount",	  "sed",  "setsid",  "sleep", "stress",
					       "swapoff", "tail", "unshare", NULL};
	struct err ignored;
	int r = 0;

	for (size_t i = 0; (wants->programs || request->person) && callable[i]; i++)
		(void)program_add(image, callable[i], &ignored);
	for (size_t i = 0; request->person && person[i]; i++)
		(void)program_add(image, person[i], &ignored);
	/* What calls the shell, as popen(3) does, calls it so, wherever it is here. */
	if (request->person && !image_has(image, "bin/sh"))
		image_add_link(image, "bin/sh", "/usr/bin/sh");
	for (size_t i = 0; i < with->n && r >= 0; i++)
		r = program_add(image, with->text[i], err);
	return r < 0 ? err_wrap(err, "--with") : 0;
}

static void add_folders(struct image *image)
{
	static const char *const folders[] = {"dev", "proc", "sys",	  "tmp",
					      "run", "var",  "scenarios", NULL};

	static const char passwd[] = "root:x:0:0:root:/:/bin/sh\n"
				     "nobody:x:65534:65534:nobody:/:/bin/sh\n";

	for (size_t i = 0; folders[i]; i++)
		image_add_dir(image, folders[i]);
	image_add_text(image, "etc/passwd", passwd, sizeof(passwd) - 1, 0644);
}

static int add_modules(struct image *image, const struct kernel *kernel, struct err *err)
{
	struct modules *modules;
	int r = 0;

	if (!kernel->modules)
		return 0;
	if (modules_open(kernel->modules, &modules, err) < 0)
		return -err->code;
	for (size_t i = 0; wanted_modules[i] && r >= 0; i++)
		r = modules_add(modules, wanted_modules[i], image, err);
	modules_free(modules);
	return r < 0 ? r : 0;
}

static int add_scenario(struct image *image, int i, const char *word, json_t *words,
			struct err *err)
{
	const char *slash = strrchr(word, '/');
	MEM_AUTO char *path = mem_printf("user/%d/%s", i, slash ? slash + 1 : word);
	MEM_AUTO char *there = mem_printf("/%s", path);
	struct stat info;

	if (stat(word, &info) < 0) {
		json_array_append_new(words, field_text_new(word));
		return 0;
	}
	if (!S_ISDIR(info.st_mode))
		image_add_file(image, path, word, 0644);
	else if (image_add_tree(image, path, word, err) < 0)
		return -err->code;
	json_array_append_new(words, field_text_new(there));
	return 0;
}

static int add_catalogue(struct image *image, struct err *err)
{
	MEM_AUTO char *root = NULL;
	int r = cmd_find_scenarios(&root, err);

	return r < 0 ? r : image_add_tree(image, "scenarios", root, err);
}

static int add_scenarios(const struct vm_image_request *request, struct image *image, json_t *words,
			 struct err *err)
{
	for (size_t i = 0; i < request->wish.n_scenarios; i++)
		if (add_scenario(image, (int)i, request->wish.scenarios[i], words, err) < 0)
			return -err->code;
	return 0;
}

static void add_request(struct image *image, const json_t *words)
{
	json_t *line = json_pack("{s:O}", "run", words);
	MEM_AUTO char *text = json_dumps(line, JSON_COMPACT);

	image_add_text(image, "request", text, strlen(text), 0644);
	json_decref(line);
}

int vm_image_build(const struct vm_image_request *request, json_t *words, bool at_once,
		   struct err *err)
{
	struct image image = {0};
	struct vm_wants wants;
	FD_AUTO fd = memfd_create("initramfs", MFD_CLOEXEC);
	int r = fd < 0 ? err_errno(err, errno, "memfd_create") : add_programs(&image, err);

	add_folders(&image);
	wants = vm_programs_add(&image, &request->wish);
	if (r >= 0)
		r = add_with(request, &wants, &image, err);
	if (r >= 0 && (request->person || request->swap || wants.disk || wants.programs))
		r = add_modules(&image, request->kernel, err);
	if (r >= 0 && (request->person || wants.all))
		r = add_catalogue(&image, err);
	if (r >= 0)
		r = add_scenarios(request, &image, words, err);
	if (r >= 0 && at_once)
		add_request(&image, words);
	if (r >= 0)
		r = image_write(&image, fd, err);
	image_free(&image);
	return r < 0 ? r : fd_take(&fd);
}

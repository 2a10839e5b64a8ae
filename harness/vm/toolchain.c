/*
 * See toolchain.h.
 */
#include "harness/vm/toolchain.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "harness/vm/child.h"

/* In the order of packages-kernel.txt. */
static const struct {
	const char *package, *program;
	const char *header; /* instead: what the compiler has to find */
} tools[] = {
	{"bc", "bc", NULL},
	{"binutils", "ld", NULL},
	{"bison", "bison", NULL},
	{"dpkg", "dpkg-deb", NULL},
	{"flex", "flex", NULL},
	{"gcc", "gcc", NULL},
	{"libelf-dev", NULL, "gelf.h"},
	{"make", "make", NULL},
	{"tar", "tar", NULL},
	{"xz-utils", "xz", NULL},
};

static bool has_program(const char *name)
{
	const char *given = getenv("PATH");
	MEM_AUTO char *path = mem_dup(given ? given : "/usr/bin:/bin");
	char *rest = path, *folder;

	while ((folder = strsep(&rest, ":")) != NULL) {
		MEM_AUTO char *file = mem_printf("%s/%s", *folder ? folder : ".", name);
		if (access(file, X_OK) == 0)
			return true;
	}
	return false;
}

/* Wherever this compiler looks for it. */
static bool has_header(const char *name)
{
	char gcc[] = "gcc", only[] = "-E", language[] = "-xc", include[] = "-include";
	char nothing[] = "/dev/null";
	MEM_AUTO char *header = mem_dup(name);
	char *const words[] = {gcc, only, language, include, header, nothing, NULL};
	struct child_output output = {0};
	struct err ignored = ERR_INIT;
	bool has = child_run(words, NULL, "", &output, &ignored) == 0 && output.status == 0;

	child_output_free(&output);
	return has;
}

static int ask_compiler(char **ret, struct err *err)
{
	char gcc[] = "gcc", version[] = "--version";
	char *const words[] = {gcc, version, NULL};
	struct child_output output = {0};
	int r = child_run(words, NULL, "", &output, err);

	if (r == 0 && (output.status != 0 || !output.out.len))
		r = err_set(err, EIO, "'gcc --version' fails: %s", str_text(&output.err));
	if (r == 0)
		*ret = mem_printf("%.*s", (int)strcspn(str_text(&output.out), "\n"),
				  str_text(&output.out));
	child_output_free(&output);
	return r;
}

int toolchain_check(char **ret_compiler, struct err *err)
{
	STR_AUTO missing = STR_INIT;

	for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++)
		if (!(tools[i].program ? has_program(tools[i].program)
				       : has_header(tools[i].header)))
			str_addf(&missing, " %s", tools[i].package);
	if (missing.len)
		return err_set(
			err, ENOPKG,
			"building a kernel needs what is not installed here: apt-get install%s",
			str_text(&missing));
	return ask_compiler(ret_compiler, err);
}

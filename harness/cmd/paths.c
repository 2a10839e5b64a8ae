/*
 * Where this program's companions are: oomhog and the scenario catalogue, found beside the running
 * binary so that a build tree, an installation and a DESTDIR all work without configuration.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "harness/cmd/cmd.h"

static bool is_program(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

static bool is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The folder of the running program, without a final slash. */
static int own_folder(char *buf, size_t size, struct err *err)
{
	ssize_t n = readlink("/proc/self/exe", buf, size - 1);

	if (n < 0)
		return err_errno(err, errno, "cannot read '/proc/self/exe' (is /proc mounted?)");
	buf[n] = '\0';
	char *slash = strrchr(buf, '/');
	if (slash)
		*slash = '\0';
	return 0;
}

static char *real_path(char *path)
{
	char *real = realpath(path, NULL);

	if (!real)
		return path;
	free(path);
	return real;
}

/* The first of the places (relative to our folder) that is what we look for. */
static int find_near(const char *const *places, bool (*is)(const char *), char **ret,
		     struct str *tried, struct err *err)
{
	char folder[PATH_MAX];
	int r = own_folder(folder, sizeof(folder), err);

	if (r < 0)
		return r;
	for (; *places; places++) {
		char *path = mem_printf("%s/%s", folder, *places);
		if (is(path)) {
			*ret = real_path(path);
			return 0;
		}
		str_addf(tried, "%s'%s'", tried->len ? ", " : "", path);
		free(path);
	}
	return -ENOENT;
}

/* $VARIABLE decides alone when it is set: a wrong one must not be silently replaced. */
static int find_env(const char *variable, bool (*is)(const char *), char **ret, struct err *err)
{
	const char *value = getenv(variable);

	if (!value || !*value)
		return -ENOENT;
	if (!is(value))
		return err_set(err, EINVAL, "'%s', given by $%s, is missing or of the wrong kind",
			       value, variable);
	*ret = real_path(mem_dup(value));
	return 0;
}

static int find_in_path(const char *name, char **ret)
{
	const char *at = getenv("PATH");

	while (at && *at) {
		size_t n = strcspn(at, ":");
		char *path = mem_printf("%.*s/%s", (int)n, at, name);
		if (n && is_program(path)) {
			*ret = path;
			return 0;
		}
		free(path);
		at += n + (at[n] == ':');
	}
	return -ENOENT;
}

int cmd_find_hog(char **ret, struct err *err)
{
	static const char *const places[] = {"oomhog", "../libexec/oomlab/oomhog", NULL};
	STR_AUTO tried = STR_INIT;

	int r = find_env("OOMLAB_HOG", is_program, ret, err);
	if (r == -ENOENT)
		r = find_near(places, is_program, ret, &tried, err);
	if (r == -ENOENT)
		r = find_in_path("oomhog", ret);
	if (r == -ENOENT)
		return err_set(err, ENOENT,
			       "cannot find the program 'oomhog': not at %s, not in $PATH; "
			       "run make, or set OOMLAB_HOG to its path",
			       str_text(&tried));
	return r;
}

int cmd_find_companion(const char *name, char **ret, struct err *err)
{
	MEM_AUTO char *installed = mem_printf("../libexec/oomlab/%s", name);
	const char *const places[] = {name, installed, NULL};
	STR_AUTO tried = STR_INIT;
	int r = find_near(places, is_program, ret, &tried, err);

	if (r == -ENOENT)
		return err_set(err, ENOENT, "cannot find '%s': not at %s; run make", name,
			       str_text(&tried));
	return r;
}

int cmd_find_scenarios(char **ret, struct err *err)
{
	static const char *const places[] = {"../scenarios", "../share/oomlab/scenarios", NULL};
	STR_AUTO tried = STR_INIT;

	int r = find_env("OOMLAB_SCENARIOS", is_folder, ret, err);
	if (r == -ENOENT)
		r = find_near(places, is_folder, ret, &tried, err);
	if (r == -ENOENT)
		return err_set(err, ENOENT,
			       "cannot find the scenario catalogue: not at %s; name a file or "
			       "folder, or set OOMLAB_SCENARIOS",
			       str_text(&tried));
	return r;
}

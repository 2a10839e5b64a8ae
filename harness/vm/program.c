/*
 * See program.h. The loader itself is asked ('ld.so --list', which runs nothing of the program), so
 * that search paths and versions are exactly those that the program will meet.
 */
#include "harness/vm/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

#define LOADER "/lib64/ld-linux-x86-64.so.2"

static bool is_program(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

static char *find(const char *name)
{
	const char *at = getenv("PATH");

	if (strchr(name, '/'))
		return is_program(name) ? realpath(name, NULL) : NULL;
	for (at = at && *at ? at : "/bin:/usr/bin:/sbin:/usr/sbin"; *at;) {
		size_t n = strcspn(at, ":");
		char *path = mem_printf("%.*s/%s", (int)n, at, name);
		if (n && is_program(path))
			return path;
		free(path);
		at += n + (at[n] == ':');
	}
	return NULL;
}

/* Under this path whatever links lie on the way here: /lib is one to /usr/lib. */
static void add_at(struct image *image, const char *path)
{
	image_add_file(image, path + 1, path, 0755);
}

/* "\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x...)" and "\t/lib64/ld... (0x...)". */
static void add_library(struct image *image, char *line)
{
	char *at = strstr(line, "=> /");

	at = at ? at + strlen("=> ") : line + strspn(line, "\t ");
	at[strcspn(at, " \n")] = '\0';
	if (*at == '/')
		add_at(image, at);
}

/* A static program is none for the loader: it says so, and nothing is needed. */
static int add_libraries(struct image *image, const char *path, struct err *err)
{
	char line[PATH_MAX + 256];
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_errno(err, errno, "cannot make a pipe");
	pid_t pid = fork();
	if (pid == 0) {
		(void)dup2(ends[1], STDOUT_FILENO);
		(void)close(STDERR_FILENO);
		(void)execl(LOADER, LOADER, "--list", path, (char *)NULL);
		_exit(127);
	}
	(void)close(ends[1]);
	FILE *out = pid < 0 ? NULL : fdopen(ends[0], "r");
	while (out && fgets(line, sizeof(line), out))
		add_library(image, line);
	if (out)
		(void)fclose(out);
	else
		(void)close(ends[0]);
	if (pid < 0)
		return err_errno(err, errno, "cannot fork");
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

/* A folder, or a file that is no program; false: neither. */
static bool is_thing(const char *path, struct stat *info)
{
	return strchr(path, '/') && stat(path, info) == 0 &&
	       (S_ISDIR(info->st_mode) || (S_ISREG(info->st_mode) && !(info->st_mode & 0111)));
}

/* Where the guest mounts its own, which would hide what was brought there. */
static bool is_guests_own(const char *path)
{
	static const char *const own[] = {"/dev/", "/proc/", "/run/", "/sys/", "/var/", NULL};

	for (size_t i = 0; own[i]; i++)
		if (str_starts(path, own[i]))
			return true;
	return false;
}

static int add_thing(struct image *image, const char *name, bool folder, struct err *err)
{
	MEM_AUTO char *path = realpath(name, NULL);

	if (!path)
		return err_errno(err, errno, "'%s'", name);
	if (is_guests_own(path))
		return err_set(err, EINVAL,
			       "'%s': that folder is the machine's own: copy it "
			       "elsewhere",
			       path);
	if (folder)
		return image_add_tree(image, path + 1, path, err);
	image_add_file(image, path + 1, path, 0644);
	return 0;
}

int program_add(struct image *image, const char *name, struct err *err)
{
	struct stat info;

	if (is_thing(name, &info))
		return add_thing(image, name, S_ISDIR(info.st_mode), err);
	MEM_AUTO char *path = find(name);
	if (!path)
		return err_set(err, ENOENT, "program '%s': not in $PATH here", name);
	add_at(image, path);
	return add_libraries(image, path, err);
}

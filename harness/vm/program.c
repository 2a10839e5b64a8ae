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

int program_add(struct image *image, const char *name, struct err *err)
{
	MEM_AUTO char *path = find(name);

	if (!path)
		return err_set(err, ENOENT, "program '%s': not in $PATH here", name);
	add_at(image, path);
	return add_libraries(image, path, err);
}

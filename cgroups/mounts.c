/*
 * Text of /proc/self/mountinfo and /proc/self/cgroup into lists, and the path arithmetic between
 * the two. Pure: no file is opened here, so every odd layout can be a unit test. Called by host.c.
 * Formats: proc(5), cgroups(7), cgroup_namespaces(7).
 */
#include <stdlib.h>
#include <string.h>

#include "cgroups/internal.h"

/* Cuts the next word off *at at any of 'stops'; NULL at the end of the line. */
static char *next_word(char **at, const char *stops)
{
	char *word = *at;

	if (!word)
		return NULL;
	char *end = word + strcspn(word, stops);
	*at = *end ? end + 1 : NULL;
	*end = '\0';
	return word;
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* The kernel writes space, tab, newline and backslash as \ooo. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && is_octal(from[1]) && is_octal(from[2]) &&
		    is_octal(from[3])) {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

static enum cg_version version_of(const char *fstype)
{
	if (str_eq(fstype, "cgroup"))
		return CG_V1;
	return str_eq(fstype, "cgroup2") ? CG_V2 : CG_ABSENT;
}

bool cg_list_has(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = strchr(list, ','); at; at = strchr(at + 1, ','))
		if (len && strncmp(at + 1, word, len) == 0 && at[1 + len] == ',')
			return true;
	return false;
}

/* Fields: id, parent id, device, root, point, options, any number of tags, "-", type, source,
 * super options. */
static void parse_mount(char *line, struct cg_mounts *mounts)
{
	char *fields[6] = {NULL}, *rest = line;

	for (size_t i = 0; i < 6; i++)
		fields[i] = next_word(&rest, " ");
	for (const char *tag = next_word(&rest, " "); tag && !str_eq(tag, "-");)
		tag = next_word(&rest, " ");
	enum cg_version version = version_of(next_word(&rest, " "));
	const char *source = next_word(&rest, " "), *super = next_word(&rest, " ");
	if (version == CG_ABSENT || !source || !super)
		return;

	mounts->list = mem_grow(mounts->list, mounts->n + 1, sizeof(*mounts->list));
	struct cg_mount *mount = &mounts->list[mounts->n++];
	unescape(fields[3]);
	unescape(fields[4]);
	char *point_options = mem_printf(",%s,", fields[5]);
	*mount = (struct cg_mount){
		.version = version,
		.root = mem_dup(fields[3]),
		.point = mem_dup(fields[4]),
		.options = mem_printf(",%s,", super),
	};
	mount->read_only = cg_list_has(point_options, "ro") || cg_list_has(mount->options, "ro");
	free(point_options);
}

void cg_mounts_parse(const char *text, struct cg_mounts *ret)
{
	char *copy = mem_dup(text), *rest = copy;

	*ret = (struct cg_mounts){0};
	for (char *line; (line = next_word(&rest, "\n"));)
		parse_mount(line, ret);
	free(copy);
}

void cg_mounts_free(struct cg_mounts *mounts)
{
	for (size_t i = 0; i < mounts->n; i++) {
		free(mounts->list[i].root);
		free(mounts->list[i].point);
		free(mounts->list[i].options);
	}
	free(mounts->list);
	*mounts = (struct cg_mounts){0};
}

/* "4:memory:/path"; the path may hold colons, so it is whatever follows the second one. */
static void parse_self(char *line, struct cg_self *self)
{
	char *rest = line;
	const char *id = next_word(&rest, ":"), *controllers = next_word(&rest, ":");

	if (!controllers || !rest || rest[0] != '/' || self->n == CG_HIERS_MAX)
		return;
	bool v2 = str_eq(id, "0") && !*controllers;
	/* A named v1 hierarchy without controllers (systemd's) cannot limit anything. */
	if (!v2 && (!*controllers || str_starts(controllers, "name=")))
		return;
	self->list[self->n++] = (struct cg_self_line){
		.version = v2 ? CG_V2 : CG_V1,
		.controllers = v2 ? mem_dup(",") : mem_printf(",%s,", controllers),
		.path = mem_dup(rest),
	};
}

void cg_self_parse(const char *text, struct cg_self *ret)
{
	char *copy = mem_dup(text), *rest = copy;

	*ret = (struct cg_self){0};
	for (char *line; (line = next_word(&rest, "\n"));)
		parse_self(line, ret);
	free(copy);
}

void cg_self_free(struct cg_self *self)
{
	for (size_t i = 0; i < self->n; i++) {
		free(self->list[i].controllers);
		free(self->list[i].path);
	}
	*self = (struct cg_self){0};
}

/* A v1 mount lists its controllers among the super options, in the order of the kernel's table. */
bool cg_mount_shows(const struct cg_mount *mount, const struct cg_self_line *line)
{
	char *copy, *rest, *word;
	bool all = true;

	if (mount->version != line->version)
		return false;
	if (line->version == CG_V2)
		return true;
	copy = mem_dup(line->controllers + 1);
	rest = copy;
	while (all && (word = next_word(&rest, ",")))
		all = !*word || cg_list_has(mount->options, word);
	free(copy);
	return all;
}

static bool climbs(const char *path)
{
	for (const char *at = path; (at = strstr(at, "/..")); at++)
		if (at[3] == '/' || at[3] == '\0')
			return true;
	return false;
}

char *cg_path_below(const char *root, const char *path)
{
	size_t len = str_eq(root, "/") ? 0 : strlen(root);

	/* Outside the cgroup namespace the kernel shows "/..": how deep, but not where. */
	if (climbs(root) || climbs(path))
		return NULL;
	if (strncmp(path, root, len) != 0 || (path[len] != '/' && path[len] != '\0'))
		return NULL;
	return mem_dup(path[len] ? path + len : "/");
}

char *cg_path_join(const char *dir, const char *name)
{
	size_t len = strlen(dir);

	while (len && dir[len - 1] == '/')
		len--;
	while (*name == '/')
		name++;
	if (!*name)
		return len ? mem_printf("%.*s", (int)len, dir) : mem_dup("/");
	return mem_printf("%.*s/%s", (int)len, dir, name);
}

const char *cg_path_at(const char *path)
{
	while (*path == '/')
		path++;
	return *path ? path : ".";
}

/*
 * See apt.h. The mirrors are found in apt_sources.c.
 */
#include "harness/vm/apt.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/vm/apt_sources.h"
#include "harness/vm/child.h"
#include "harness/vm/image.h"

#define HELPER "/usr/lib/apt/apt-helper"

enum { PACKAGES_MAX = 512 * 1024 * 1024, RELEASE_MAX = 16 * 1024 * 1024 };

/* ---- configuration -------------------------------------------------------------------------- */

/* Read after the system's own, so that it wins. The hooks cleared are for the system's lists. */
static const char configuration[] =
	"#clear APT::Update::Pre-Invoke;\n"
	"#clear APT::Update::Post-Invoke;\n"
	"#clear APT::Update::Post-Invoke-Success;\n"
	"#clear Acquire::Languages;\n"
	"Acquire::Languages \"none\";\n"
	"Acquire::GzipIndexes \"true\";\n"
	/* as mirrors have them: nothing to be packed anew */
	"Acquire::IndexTargets::deb::Packages::KeepCompressedAs \"xz gz\";\n"
	"Acquire::AllowInsecureRepositories \"false\";\n"
	"Acquire::AllowWeakRepositories \"false\";\n"
	"Acquire::AllowDowngradeToInsecureRepositories \"false\";\n"
	"APT::Get::AllowUnauthenticated \"false\";\n"
	"APT::Architecture \"amd64\";\n"
	"#clear APT::Architectures;\n"
	"APT::Architectures \"amd64\";\n"
	"Dir::State::status \"/dev/null\";\n"
	"Dir::Cache::pkgcache \"\";\n"
	"Dir::Cache::srcpkgcache \"\";\n"
	"Dir::Etc::sourceparts \"/dev/null\";\n"
	"Dir::Etc::preferences \"/dev/null\";\n"
	"Dir::Etc::preferencesparts \"/dev/null\";\n";

static int put(const char *folder, const char *name, const char *text, struct err *err)
{
	MEM_AUTO char *path = mem_printf("%s/%s", folder, name);
	FD_AUTO fd = fd_open_at(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0644, err);
	int r = fd < 0 ? fd : fd_write_full(fd, text, strlen(text));

	if (fd >= 0 && r < 0)
		return err_errno(err, -r, "cannot write '%s'", path);
	return r;
}

static int make_folder(const char *folder, const char *name, struct err *err)
{
	MEM_AUTO char *path = mem_printf("%s/%s", folder, name);

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return err_errno(err, errno, "cannot make the folder '%s'", path);
	return 0;
}

static int configure(const char *folder, struct err *err)
{
	static const char *const folders[] = {
		"", "lists", "lists/partial", "cache", "empty", "empty/partial", NULL};
	STR_AUTO text = STR_INIT;

	if (strpbrk(folder, "\"\n"))
		return err_set(err, EINVAL, "apt cannot work in a folder with such a name: '%s'",
			       folder);
	for (size_t i = 0; folders[i]; i++)
		if (make_folder(folder, folders[i], err) < 0)
			return -err->code;
	str_add(&text, configuration);
	str_addf(&text, "Dir::State \"%s\";\nDir::State::lists \"%s/lists\";\n", folder, folder);
	str_addf(&text, "Dir::Cache \"%s/cache\";\n", folder);
	str_addf(&text, "Dir::Etc::sourcelist \"%s/sources.list\";\n", folder);
	return put(folder, "apt.conf", str_text(&text), err);
}

/* ---- errors --------------------------------------------------------------------------------- */

static const struct {
	const char *text;
	int code;
	const char *meaning;
} complaints[] = {
	{"No space left on device", ENOSPC, "the disk is full"},
	{"is not signed", EKEYREJECTED, "refused what is not signed by Debian's archive"},
	{"Hash Sum mismatch", EBADMSG, "refused what is not what the archive has signed"},
	{"unexpected size", EBADMSG, "refused what is not what the archive has signed"},
	{"Temporary failure resolving", ENETUNREACH, "no network"},
	{"Could not resolve", ENETUNREACH, "no network"},
	{"Could not connect", ENETUNREACH, "cannot reach the mirror"},
	{"Unable to connect", ENETUNREACH, "cannot reach the mirror"},
	{"Cannot initiate the connection", ENETUNREACH, "no network"},
	{"Connection failed", ENETUNREACH, "the mirror broke off"},
	{"404  Not Found", ENOENT, "the mirror lacks it"},
	{"File not found", ENOENT, "the mirror lacks it"},
	{"does not have a Release file", ENOENT, "the mirror lacks it"},
};

int apt_error(const char *text, struct err *err)
{
	for (size_t i = 0; i < sizeof(complaints) / sizeof(complaints[0]); i++) {
		const char *at = strstr(text, complaints[i].text);
		if (!at)
			continue;
		while (at > text && at[-1] != '\n')
			at--;
		at += str_starts(at, "E: ") || str_starts(at, "W: ") ? 3 : 0;
		return err_set(err, complaints[i].code, "%s: %.*s", complaints[i].meaning,
			       (int)strcspn(at, "\n"), at);
	}
	const char *line = strstr(text, "E: ");
	line = line ? line + 3 : text;
	return err_set(err, EIO, "apt failed: %.*s", (int)strcspn(line, "\n"), line);
}

/* ---- indexes -------------------------------------------------------------------------------- */

/* By any of the names that apt's list of compressors allows. */
static int read_list(const char *folder, const char *name, struct str *out, struct err *err)
{
	static const char *const endings[] = {".xz", ".gz", "", NULL};
	STR_AUTO packed = STR_INIT;

	for (size_t i = 0; endings[i]; i++) {
		MEM_AUTO char *path = mem_printf("%s/lists/%s%s", folder, name, endings[i]);
		if (access(path, F_OK) < 0)
			continue;
		int r = fd_read_at_most(AT_FDCWD, path, PACKAGES_MAX, &packed, err);
		if (r >= 0 && packed.len)
			r = image_decompress(packed.s, packed.len, PACKAGES_MAX, out, err);
		return r < 0 ? err_wrap(err, "'%s'", path) : 1;
	}
	return 0;
}

/* "Suite: stable" of the signed Release file of the same suite; "" without. */
static char *read_alias(const char *folder, const char *packages)
{
	const char *end = strstr(packages, "_main_binary-");
	MEM_AUTO char *path = mem_printf("%s/lists/%.*s_InRelease", folder,
					 (int)(end ? end - packages : 0), packages);
	STR_AUTO text = STR_INIT;
	struct err ignored = ERR_INIT;

	if (fd_read_at_most(AT_FDCWD, path, RELEASE_MAX, &text, &ignored) < 0)
		return mem_dup("");
	const char *at = strstr(str_text(&text), "\nSuite: ");
	if (!at)
		return mem_dup("");
	at += strlen("\nSuite: ");
	return mem_printf("%.*s", (int)strcspn(at, " \r\n"), at);
}

static int read_lists(const char *folder, const struct apt_sources *sources,
		      struct debian_index *index, struct err *err)
{
	int lists = 0;

	for (size_t i = 0; i < sources->n; i++) {
		STR_AUTO text = STR_INIT;
		MEM_AUTO char *name = apt_list_name(sources->all[i].uri, sources->all[i].suite);
		int r = read_list(folder, name, &text, err);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		MEM_AUTO char *alias = read_alias(folder, name);
		const struct debian_source source = {sources->all[i].suite, alias,
						     sources->all[i].uri};
		(void)debian_index_add(index, str_text(&text), text.len, &source);
		lists++;
	}
	return lists;
}

/* Calls fn with each line of apt's complaints as an error of ours. */
static void each_complaint(const char *text, void (*fn)(void *data, const struct err *one),
			   void *data)
{
	for (const char *line = text; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		MEM_AUTO char *copy = mem_printf("%.*s", (int)strcspn(line, "\n"), line);
		struct err one = ERR_INIT;
		(void)apt_error(copy, &one);
		fn(data, &one);
	}
}

struct complaints_seen {
	const struct fetch_watch *watch;
	size_t unreached;
	bool full;
};

static void count_complaint(void *data, const struct err *one)
{
	struct complaints_seen *seen = data;

	seen->unreached += one->code == ENETUNREACH && strstr(one->text, "Failed to fetch");
	seen->full = seen->full || one->code == ENOSPC;
}

static void tell_complaint(void *data, const struct err *one)
{
	const struct complaints_seen *seen = data;

	if (one->code == EKEYREJECTED || one->code == EBADMSG || one->code == ENETUNREACH)
		fetch_note(seen->watch, "%s", one->text);
}

/* That a suite is not there is no trouble: which there are is found out so. With old indexes apt
 * succeeds though nothing could be reached. */
static int judge_update(const struct child_output *output, size_t sources, struct err *err)
{
	struct complaints_seen seen = {0};

	each_complaint(str_text(&output->err), count_complaint, &seen);
	return seen.full || seen.unreached >= sources ? apt_error(str_text(&output->err), err) : 0;
}

static int update(const char *folder, const struct apt_sources *sources,
		  const struct fetch_watch *watch, struct debian_index *ret, struct err *err)
{
	MEM_AUTO char *config = mem_printf("%s/apt.conf", folder);
	char status[] = "APT::Status-Fd=3", no_cache[] = "pkgCacheFile::Generate=false";
	char get[] = "apt-get", c[] = "-c", o[] = "-o", qq[] = "-qq", verb[] = "update";
	char *const words[] = {get, c, config, o, status, o, no_cache, qq, verb, NULL};
	struct child_output output = {0};
	struct debian_index index = {0};
	int r = child_run(words, watch, "reading Debian's indexes", &output, err);

	if (r >= 0)
		r = judge_update(&output, sources->n, err);
	if (r >= 0)
		r = read_lists(folder, sources, &index, err);
	if (r == 0)
		r = output.err.len ? apt_error(str_text(&output.err), err)
				   : err_set(err, ENOENT, "the mirrors have no suite of Debian's");
	if (r > 0)
		each_complaint(str_text(&output.err), tell_complaint,
			       &(struct complaints_seen){.watch = watch});
	child_output_free(&output);
	if (r < 0)
		debian_index_free(&index);
	else
		*ret = index;
	return r < 0 ? r : 0;
}

int apt_update(const char *folder, const char *const *more, const struct fetch_watch *watch,
	       struct debian_index *ret, struct err *err)
{
	struct apt_sources sources = {0};
	STR_AUTO list = STR_INIT;
	int r = configure(folder, err);

	if (r >= 0)
		r = apt_sources_find(more, &sources, err);
	if (r >= 0) {
		apt_sources_text(&sources, &list);
		r = put(folder, "sources.list", str_text(&list), err);
	}
	if (r >= 0)
		r = update(folder, &sources, watch, ret, err);
	apt_sources_free(&sources);
	return r;
}

/* ---- files ---------------------------------------------------------------------------------- */

/* apt gives its rights away before it talks to a mirror, if that user may write here. */
static void let_apt_write(const char *path)
{
	MEM_AUTO char *folder = mem_dup(path);
	char *slash = strrchr(folder, '/');
	const struct passwd *user = geteuid() == 0 ? getpwnam("_apt") : NULL;

	if (!user || !slash)
		return;
	*slash = '\0';
	(void)!chown(folder, user->pw_uid, (gid_t)-1);
}

int apt_fetch(const char *folder, const struct debian_package *package, const char *path,
	      const struct fetch_watch *watch, struct err *err)
{
	MEM_AUTO char *config = mem_printf("%s/apt.conf", folder);
	MEM_AUTO char *uri = mem_printf("%s%s", package->uri, package->file);
	MEM_AUTO char *hash = mem_printf("SHA256:%s", package->sha256);
	MEM_AUTO char *to = mem_dup(path);
	char status[] = "APT::Status-Fd=3";
	char helper[] = HELPER, c[] = "-c", o[] = "-o", qq[] = "-qq", verb[] = "download-file";
	char *const words[] = {helper, c, config, o, status, qq, verb, uri, to, hash, NULL};
	struct child_output output = {0};

	let_apt_write(path);
	int r = configure(folder, err);
	if (r >= 0)
		r = child_run(words, watch, package->name, &output, err);
	if (r == -ENOENT)
		return err_set(err, ENOENT, "there is no apt on this machine ('%s')", HELPER);
	if (r >= 0 && output.status != 0)
		r = apt_error(str_text(&output.err), err);
	child_output_free(&output);
	return r < 0 ? err_wrap(err, "package '%s'", package->name) : 0;
}

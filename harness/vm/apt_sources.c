/*
 * See apt_sources.h.
 */
#include "harness/vm/apt_sources.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/vm/child.h"

#define CSV "/usr/share/distro-info/debian.csv" /* of distro-info-data, where it is installed */

enum { CSV_MAX = 1 << 20 };

/* Releases with kernels from 5.10 on, and those whose names are known; others come from CSV. */
static const char *const releases[] = {"bullseye", "bookworm", "trixie", "forky", "duke", NULL};
static const char *const rolling[] = {"sid", "experimental", NULL};

void apt_sources_free(struct apt_sources *sources)
{
	for (size_t i = 0; i < sources->n; i++) {
		free(sources->all[i].uri);
		free(sources->all[i].suite);
	}
	free(sources->all);
	free(sources->keyring);
	*sources = (struct apt_sources){0};
}

static void add(struct apt_sources *sources, const char *uri, const char *suite)
{
	for (size_t i = 0; i < sources->n; i++)
		if (str_eq(sources->all[i].uri, uri) && str_eq(sources->all[i].suite, suite))
			return;
	sources->all = mem_grow(sources->all, sources->n + 1, sizeof(*sources->all));
	sources->all[sources->n++] = (struct apt_source){mem_dup(uri), mem_dup(suite)};
}

/* ---- suites --------------------------------------------------------------------------------- */

static void add_release(struct apt_sources *sources, const char *uri, bool security,
			const char *name)
{
	MEM_AUTO char *other = mem_printf("%s-%s", name, security ? "security" : "backports");

	if (!security)
		add(sources, uri, name);
	add(sources, uri, other);
}

/* "13,Trixie,trixie,2023-06-10,...": releases newer than what the table above begins with. */
static void add_known(struct apt_sources *sources, const char *uri, bool security)
{
	STR_AUTO text = STR_INIT;
	struct err ignored = ERR_INIT;

	if (fd_read_at_most(AT_FDCWD, CSV, CSV_MAX, &text, &ignored) < 0)
		return;
	const char *line = strstr(str_text(&text), ",bullseye,");
	while (line && (line = strchr(line, '\n')) != NULL) {
		const char *at = ++line;
		for (int comma = 0; at && comma < 2; comma++) {
			at = strpbrk(at, ",\n");
			at = at && *at == ',' ? at + 1 : NULL;
		}
		MEM_AUTO char *name =
			mem_printf("%.*s", at ? (int)strcspn(at, ",\n") : 0, at ? at : "");
		if (*name && !str_eq(name, "sid") && !str_eq(name, "experimental"))
			add_release(sources, uri, security, name);
	}
}

static void add_suites(struct apt_sources *sources, const char *uri, bool security,
		       const char *const *more)
{
	for (size_t i = 0; releases[i]; i++)
		add_release(sources, uri, security, releases[i]);
	add_known(sources, uri, security);
	for (size_t i = 0; !security && rolling[i]; i++)
		add(sources, uri, rolling[i]);
	for (; more && *more; more++)
		if (str_ends(*more, "-security") == security)
			add(sources, uri, *more);
}

static bool is_release(const char *suite)
{
	for (size_t i = 0; releases[i]; i++)
		if (str_starts(suite, releases[i]))
			return true;
	return str_eq(suite, "sid") || str_eq(suite, "stable") || str_eq(suite, "testing") ||
	       str_eq(suite, "unstable");
}

/* An index that has not been downloaded has no origin: then its name must do. */
static bool is_debian(const char *suite, const char *component, const char *origin)
{
	if (!str_eq(component, "main"))
		return false;
	return str_eq(origin, "Debian") || ((!*origin || *origin == '$') && is_release(suite));
}

void apt_sources_read(struct apt_sources *sources, const char *lines, const char *const *more)
{
	MEM_AUTO char *copy = mem_dup(lines);
	char *rest = copy, *line;

	while ((line = strsep(&rest, "\n")) != NULL) {
		char *uri = strsep(&line, " "), *suite = strsep(&line, " ");
		char *component = strsep(&line, " ");
		if (component && is_debian(suite, component, line ? line : ""))
			add_suites(sources, uri, str_ends(suite, "-security"), more);
	}
}

/* ---- mirrors -------------------------------------------------------------------------------- */

static void read_mirrors(struct apt_sources *sources, const char *uris, const char *const *more)
{
	MEM_AUTO char *copy = mem_dup(uris);
	char *rest = copy, *word;

	while ((word = strsep(&rest, " ")) != NULL) {
		size_t len = strlen(word);
		while (len && word[len - 1] == '/')
			word[--len] = '\0';
		if (!len)
			continue;
		MEM_AUTO char *uri = mem_printf("%s/", word);
		add_suites(sources, uri, str_ends(word, "-security"), more);
	}
}

static int ask_apt(bool downloaded, struct child_output *output, struct err *err)
{
	char get[] = "apt-get", any[] = "--no-release-info", verb[] = "indextargets";
	char format[] = "--format", filter[] = "Created-By: Packages";
	char brief[] = "$(REPO_URI) $(RELEASE) $(COMPONENT) ";
	char full[] = "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)";
	char *const known[] = {get, verb, format, full, filter, NULL};
	char *const all[] = {get, any, verb, format, brief, filter, NULL};
	int r = child_run(downloaded ? known : all, NULL, "", output, err);

	if (r == -ENOENT)
		return err_set(err, ENOENT,
			       "there is no apt on this machine: name a kernel's file instead, "
			       "from wherever it has one");
	return r;
}

static int find_mirrors(struct apt_sources *sources, const char *const *more, struct err *err)
{
	int r = 0;

	for (int i = 0; i < 2 && r >= 0 && sources->n == 0; i++) {
		struct child_output output = {0};
		r = ask_apt(i == 0, &output, err);
		if (r >= 0)
			apt_sources_read(sources, str_text(&output.out), more);
		child_output_free(&output);
	}
	if (r >= 0 && sources->n == 0)
		r = err_set(err, ENOENT,
			    "apt has no source of Debian's here: set OOMLAB_MIRROR to the URI of "
			    "a mirror");
	return r;
}

/* ---- keys ----------------------------------------------------------------------------------- */

static int find_keyring(struct apt_sources *sources, struct err *err)
{
	static const char *const places[] = {"/usr/share/keyrings/debian-archive-keyring.gpg",
					     "/usr/share/keyrings/debian-archive-keyring.pgp",
					     NULL};
	const char *given = getenv("OOMLAB_KEYRING");

	if (given && *given) {
		if (given[0] != '/' || strpbrk(given, " \t\n]") || access(given, R_OK) < 0)
			return err_set(err, EINVAL,
				       "'%s', given by $OOMLAB_KEYRING, is no absolute path of a "
				       "readable file",
				       given);
		sources->keyring = mem_dup(given);
		return 0;
	}
	for (size_t i = 0; places[i] && !sources->keyring; i++)
		if (access(places[i], R_OK) == 0)
			sources->keyring = mem_dup(places[i]);
	if (!sources->keyring)
		return err_set(err, ENOENT,
			       "the keys of Debian's archive are missing: install "
			       "debian-archive-keyring");
	return 0;
}

int apt_sources_find(const char *const *more, struct apt_sources *ret, struct err *err)
{
	struct apt_sources sources = {0};
	const char *mirrors = getenv("OOMLAB_MIRROR");
	int r = find_keyring(&sources, err);

	if (r >= 0 && mirrors && *mirrors)
		read_mirrors(&sources, mirrors, more);
	else if (r >= 0)
		r = find_mirrors(&sources, more, err);
	if (r < 0)
		apt_sources_free(&sources);
	else
		*ret = sources;
	return r;
}

/* ---- text ----------------------------------------------------------------------------------- */

void apt_sources_text(const struct apt_sources *sources, struct str *out)
{
	for (size_t i = 0; i < sources->n; i++)
		str_addf(out, "deb [arch=amd64 signed-by=%s] %s %s main\n", sources->keyring,
			 sources->all[i].uri, sources->all[i].suite);
}

/* As apt's URItoFileName(): without the scheme, its list of characters as %xx, '/' as '_'. */
char *apt_list_name(const char *uri, const char *suite)
{
	static const char quoted[] = "\\|{}[]<>\"^~_=!@#$%^&*";
	MEM_AUTO char *whole = mem_printf("%sdists/%s/main/binary-amd64/Packages", uri, suite);
	struct str name = STR_INIT;
	const char *at = strchr(whole, ':');

	at = at ? at + 1 : whole;
	if (str_starts(at, "//"))
		at += 2;
	const char *host = at + strcspn(at, "/@");
	if (*host == '@') /* USER:PASSWORD@ */
		at = host + 1;
	for (; *at; at++)
		if (*at == '/')
			str_addn(&name, "_", 1);
		else if (strchr(quoted, *at))
			str_addf(&name, "%%%02x", (unsigned)(unsigned char)*at);
		else
			str_addn(&name, at, 1);
	return str_take(&name);
}

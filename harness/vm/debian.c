/*
 * See debian.h: reading and writing indexes. What to choose from them is in debian_choose.c.
 */
#include "harness/vm/debian.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"

#define FLAVOUR "-cloud-amd64"

enum { SHA256_DIGITS = 64 };

/* ---- paragraphs ----------------------------------------------------------------------------- */

struct span {
	const char *at;
	size_t len;
};

/* The value of "Name: value"; "" when there is none. */
static char *field(struct span paragraph, const char *name)
{
	const char *at = paragraph.at, *end = paragraph.at + paragraph.len;
	size_t len = strlen(name);

	while (at < end) {
		const char *eol = memchr(at, '\n', (size_t)(end - at));
		eol = eol ? eol : end;
		if ((size_t)(eol - at) > len && memcmp(at, name, len) == 0 && at[len] == ':') {
			at += len + 1;
			while (at < eol && (*at == ' ' || *at == '\t'))
				at++;
			while (eol > at && (eol[-1] == ' ' || eol[-1] == '\r'))
				eol--;
			return mem_printf("%.*s", (int)(eol - at), at);
		}
		at = eol + 1;
	}
	return mem_dup("");
}

static uint64_t number(struct span paragraph, const char *name)
{
	MEM_AUTO char *text = field(paragraph, name);
	uint64_t value = 0;
	struct err ignored = ERR_INIT;

	return parse_u64(text, UINT64_MAX / 1024, &value, &ignored) < 0 ? 0 : value;
}

/* ---- packages ------------------------------------------------------------------------------- */

static void package_free(struct debian_package *package)
{
	char *const texts[] = {package->name,  package->version, package->depends, package->suite,
			       package->alias, package->uri,	 package->file,	   package->sha256};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		free(texts[i]);
}

/* "linux-source-6.12", and not what depends on the newest. */
static bool is_source_name(const char *name)
{
	size_t len = strlen(DEBIAN_SOURCE);

	return str_starts(name, DEBIAN_SOURCE) && isdigit((unsigned char)name[len]) &&
	       strspn(name + len, "0123456789.") == strlen(name + len);
}

static bool is_kernel_name(const char *name)
{
	static const char *const kinds[] = {"linux-image-", "linux-binary-", "linux-modules-",
					    NULL};
	bool known = false;

	for (size_t i = 0; kinds[i]; i++)
		known = known || str_starts(name, kinds[i]);
	return (known && str_ends(name, FLAVOUR) && !strchr(name, '/')) || is_source_name(name);
}

static bool only_of(const char *text, const char *more)
{
	if (!*text)
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr(more, *text))
			return false;
	return true;
}

/* The index is signed; that what is in it becomes paths here still wants a look. */
static bool is_usable(const struct debian_package *package)
{
	return only_of(package->name, "+-.") && only_of(package->version, "+-.~:") &&
	       only_of(package->suite, "+-._/") && *package->uri && *package->file &&
	       package->file[0] != '/' && !strstr(package->file, "..") &&
	       strspn(package->sha256, "0123456789abcdef") == SHA256_DIGITS &&
	       package->sha256[SHA256_DIGITS] == '\0' && package->size_bytes > 0;
}

static char *source_text(const char *given, struct span paragraph, const char *name)
{
	return given ? mem_dup(given) : field(paragraph, name);
}

static bool read_package(struct span paragraph, const struct debian_source *source,
			 struct debian_package *ret)
{
	struct debian_package package = {
		.name = field(paragraph, "Package"),
		.version = field(paragraph, "Version"),
		.depends = field(paragraph, "Depends"),
		.suite = source_text(source ? source->suite : NULL, paragraph, "Suite"),
		.alias = source_text(source ? source->alias : NULL, paragraph, "Alias"),
		.uri = source_text(source ? source->uri : NULL, paragraph, "URI"),
		.file = field(paragraph, "Filename"),
		.sha256 = field(paragraph, "SHA256"),
		.size_bytes = number(paragraph, "Size"),
		.installed_bytes = number(paragraph, "Installed-Size") * 1024,
	};
	bool ok = is_kernel_name(package.name) && is_usable(&package);

	if (ok)
		*ret = package;
	else
		package_free(&package);
	return ok;
}

/* ---- the index ------------------------------------------------------------------------------ */

static const char *find(const char *from, const char *end, const char *text)
{
	return from < end ? memmem(from, (size_t)(end - from), text, strlen(text)) : NULL;
}

/* A Packages file has 60 MB, of which some kB matter: look for them, not at every line. */
size_t debian_index_add(struct debian_index *index, const char *text, size_t len,
			const struct debian_source *source)
{
	static const char mark[] = "Package: linux-";
	const char *at = text, *end = text + len;
	size_t before = index->n;

	while ((at = find(at, end, mark)) != NULL) {
		const char *begin = at;
		const char *stop = find(at, end, "\n\n");
		struct debian_package package;
		stop = stop ? stop : end;
		while (begin > text &&
		       !(begin[-1] == '\n' && (begin - 1 == text || begin[-2] == '\n')))
			begin--;
		bool at_line = at == text || at[-1] == '\n';
		struct span paragraph = {begin, (size_t)(stop - begin)};
		at += strlen(mark);
		if (!at_line || !read_package(paragraph, source, &package))
			continue;
		index->all = mem_grow(index->all, index->n + 1, sizeof(*index->all));
		index->all[index->n++] = package;
		at = stop;
	}
	return index->n - before;
}

void debian_index_text(const struct debian_index *index, struct str *out)
{
	for (size_t i = 0; i < index->n; i++) {
		const struct debian_package *package = &index->all[i];
		str_addf(out, "Package: %s\nVersion: %s\nDepends: %s\n", package->name,
			 package->version, package->depends);
		str_addf(out, "Suite: %s\nAlias: %s\nURI: %s\n", package->suite, package->alias,
			 package->uri);
		str_addf(out, "Filename: %s\nSHA256: %s\nSize: %llu\nInstalled-Size: %llu\n\n",
			 package->file, package->sha256, (unsigned long long)package->size_bytes,
			 (unsigned long long)package->installed_bytes / 1024);
	}
}

void debian_index_free(struct debian_index *index)
{
	for (size_t i = 0; i < index->n; i++)
		package_free(&index->all[i]);
	free(index->all);
	*index = (struct debian_index){0};
}

/*
 * Which of Debian's kernels a person means. See debian.h.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/vm/debian.h"

#define META "linux-image-cloud-amd64"

/* ---- versions ------------------------------------------------------------------------------- */

/* '~' sorts before the end, letters before everything else. */
static int weight(char c)
{
	if (c == '~')
		return -1;
	if (c == '\0' || isdigit((unsigned char)c))
		return 0;
	return isalpha((unsigned char)c) ? (unsigned char)c : (unsigned char)c + 256;
}

static int compare_part(const char *a, const char *b)
{
	while (*a || *b) {
		while ((*a && !isdigit((unsigned char)*a)) || (*b && !isdigit((unsigned char)*b))) {
			int difference = weight(*a) - weight(*b);
			if (difference)
				return difference;
			a += *a != '\0';
			b += *b != '\0';
		}
		a += strspn(a, "0");
		b += strspn(b, "0");
		size_t digits_a = strspn(a, "0123456789"), digits_b = strspn(b, "0123456789");
		if (digits_a != digits_b)
			return digits_a < digits_b ? -1 : 1;
		int difference = strncmp(a, b, digits_a);
		if (difference)
			return difference;
		a += digits_a;
		b += digits_b;
	}
	return 0;
}

/* Epochs are left aside: no kernel has one. */
int debian_version_cmp(const char *a, const char *b)
{
	MEM_AUTO char *upstream_a = mem_dup(a);
	MEM_AUTO char *upstream_b = mem_dup(b);
	char *revision_a = strrchr(upstream_a, '-'), *revision_b = strrchr(upstream_b, '-');

	if (revision_a)
		*revision_a++ = '\0';
	if (revision_b)
		*revision_b++ = '\0';
	int difference = compare_part(upstream_a, upstream_b);
	if (difference == 0)
		difference =
			compare_part(revision_a ? revision_a : "0", revision_b ? revision_b : "0");
	return (difference > 0) - (difference < 0);
}

/* ---- kernels -------------------------------------------------------------------------------- */

/* "linux-image-6.1.0-56-cloud-amd64" -> "6.1.0-56-cloud-amd64"; NULL: a metapackage. */
static const char *release_of(const char *name, const char *kind)
{
	const char *release = str_starts(name, kind) ? name + strlen(kind) : "";

	return isdigit((unsigned char)*release) ? release : NULL;
}

static const char *image_release(const struct debian_package *package)
{
	const char *release = release_of(package->name, "linux-binary-");

	if (release)
		return release;
	bool elsewhere = strstr(package->depends, "linux-image-") != NULL ||
			 strstr(package->depends, "linux-binary-") != NULL;
	return elsewhere ? NULL : release_of(package->name, "linux-image-");
}

static const struct debian_package *find_modules(const struct debian_index *index,
						 const struct debian_package *image,
						 const char *release)
{
	MEM_AUTO char *name = mem_printf("linux-modules-%s", release);

	if (str_starts(image->name, "linux-image-"))
		return image;
	for (size_t i = 0; i < index->n; i++)
		if (str_eq(index->all[i].name, name) &&
		    str_eq(index->all[i].version, image->version))
			return &index->all[i];
	return NULL;
}

static int newest_first(const void *a, const void *b)
{
	const struct debian_kernel *x = a, *y = b;
	int difference = debian_version_cmp(y->image->version, x->image->version);

	return difference ? difference : strcmp(x->release, y->release);
}

static bool is_known(const struct debian_kernel *all, size_t n, const char *release,
		     const char *version)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(all[i].release, release) && str_eq(all[i].image->version, version))
			return true;
	return false;
}

size_t debian_kernels(const struct debian_index *index, struct debian_kernel **ret)
{
	struct debian_kernel *all = mem_zero(index->n + 1, sizeof(*all));
	size_t n = 0;

	for (size_t i = 0; i < index->n; i++) {
		const struct debian_package *package = &index->all[i];
		const char *release = image_release(package);
		if (!release || is_known(all, n, release, package->version))
			continue;
		all[n++] = (struct debian_kernel){release, package,
						  find_modules(index, package, release)};
	}
	qsort(all, n, sizeof(*all), newest_first);
	*ret = all;
	return n;
}

/* ---- suites --------------------------------------------------------------------------------- */

bool debian_is_suite(const char *wish)
{
	return isalpha((unsigned char)wish[0]);
}

/* "bookworm-security" belongs to "bookworm". */
static bool is_or_updates(const char *name, const char *suite)
{
	size_t len = strlen(suite);

	return str_starts(name, suite) && (name[len] == '\0' || str_eq(name + len, "-security"));
}

bool debian_in_suite(const struct debian_package *package, const char *suite)
{
	return is_or_updates(package->suite, suite) || is_or_updates(package->alias, suite);
}

static int no_suite(const struct debian_index *index, const char *suite, struct err *err)
{
	STR_AUTO names = STR_INIT;

	for (size_t i = 0; i < index->n; i++) {
		MEM_AUTO char *word = mem_printf(" %s,", index->all[i].suite);
		MEM_AUTO char *so_far = mem_printf("%s,", str_text(&names));
		if (!strstr(so_far, word))
			str_addf(&names, "%s %s", names.len ? "," : "", index->all[i].suite);
	}
	return err_set(err, ENOENT, "the mirror has no kernel in a suite '%s'; it has some in%s",
		       suite, str_text(&names));
}

/* What the metapackage of the suite depends on. */
static int choose_suite(const struct debian_index *index, const struct debian_kernel *all, size_t n,
			const char *suite, struct debian_kernel *ret, struct err *err)
{
	const struct debian_package *meta = NULL;

	for (size_t i = 0; i < index->n; i++) {
		const struct debian_package *package = &index->all[i];
		if (str_eq(package->name, META) && debian_in_suite(package, suite) &&
		    (!meta || debian_version_cmp(package->version, meta->version) > 0))
			meta = package;
	}
	if (!meta)
		return no_suite(index, suite, err);
	for (size_t i = 0; i < n; i++) {
		MEM_AUTO char *wanted = mem_printf("linux-image-%s ", all[i].release);
		if (!strstr(meta->depends, wanted) || !str_eq(all[i].image->version, meta->version))
			continue;
		*ret = all[i];
		return 0;
	}
	return err_set(err, ENOENT, "the mirror lacks the kernel of suite '%s' (%s)", suite,
		       meta->depends);
}

/* ---- versions asked for --------------------------------------------------------------------- */

bool debian_begins(const char *version, const char *wish)
{
	size_t len = strlen(wish);

	return str_starts(version, wish) && !isalnum((unsigned char)version[len]);
}

static int no_version(const struct debian_kernel *all, size_t n, const char *wish, struct err *err)
{
	const char *above = NULL, *below = NULL;

	if (n == 0)
		return err_set(err, ENOENT, "the mirror has no kernel at all");
	for (size_t i = 0; i < n; i++) {
		const char *release = all[i].release;
		if (compare_part(release, wish) > 0)
			above = above && compare_part(above, release) < 0 ? above : release;
		else
			below = below && compare_part(below, release) > 0 ? below : release;
	}
	return err_set(
		err, ENOENT,
		"the mirror has no kernel '%s'; nearest: %s%s%s ('oomlab kernels' lists all)", wish,
		below ? below : "", below && above ? ", " : "", above ? above : "");
}

static int choose_version(const struct debian_kernel *all, size_t n, const char *wish,
			  struct debian_kernel *ret, struct err *err)
{
	const struct debian_kernel *best = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!debian_begins(all[i].release, wish) &&
		    !debian_begins(all[i].image->version, wish))
			continue;
		if (!best || (!best->modules && all[i].modules))
			best = &all[i];
	}
	if (!best)
		return no_version(all, n, wish, err);
	*ret = *best;
	return 0;
}

int debian_choose(const struct debian_index *index, const char *wish, struct debian_kernel *ret,
		  struct err *err)
{
	struct debian_kernel *all = NULL;
	size_t n = debian_kernels(index, &all);
	int r = debian_is_suite(wish) ? choose_suite(index, all, n, wish, ret, err)
				      : choose_version(all, n, wish, ret, err);

	free(all);
	return r;
}

/*
 * Which source package a person means. See debian.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "harness/vm/debian.h"

static bool is_source(const struct debian_package *package)
{
	return str_starts(package->name, DEBIAN_SOURCE);
}

static int newest_first(const void *a, const void *b)
{
	const struct debian_package *const *x = a, *const *y = b;

	return debian_version_cmp((*y)->version, (*x)->version);
}

size_t debian_sources(const struct debian_index *index, const struct debian_package ***ret)
{
	const struct debian_package **all = mem_zero(index->n + 1, sizeof(const void *));
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < index->n; i++)
		if (is_source(&index->all[i]))
			all[n++] = &index->all[i];
	qsort(all, n, sizeof(const void *), newest_first);
	for (size_t i = 0; i < n; i++) {
		bool known = false;
		for (size_t k = 0; k < kept; k++)
			known = known || str_eq(all[k]->name, all[i]->name);
		if (!known)
			all[kept++] = all[i];
	}
	*ret = all;
	return kept;
}

static int no_source(const struct debian_index *index, const char *wish, struct err *err)
{
	const struct debian_package **all;
	size_t n = debian_sources(index, &all);
	STR_AUTO names = STR_INIT;

	for (size_t i = n; i-- > 0;)
		str_addf(&names, "%s%s (%s)", names.len ? ", " : "",
			 all[i]->name + strlen(DEBIAN_SOURCE), all[i]->version);
	free(all);
	return err_set(err, ENOENT, "the mirror has no source of a kernel '%s'; it has %s", wish,
		       n ? str_text(&names) : "none at all");
}

int debian_choose_source(const struct debian_index *index, const char *wish,
			 const struct debian_package **ret, struct err *err)
{
	const struct debian_package *best = NULL;

	for (size_t i = 0; i < index->n; i++) {
		const struct debian_package *package = &index->all[i];
		bool fits = debian_is_suite(wish) ? debian_in_suite(package, wish)
						  : debian_begins(package->version, wish);
		if (is_source(package) && fits &&
		    (!best || debian_version_cmp(package->version, best->version) > 0))
			best = package;
	}
	if (!best)
		return no_source(index, wish, err);
	*ret = best;
	return 0;
}

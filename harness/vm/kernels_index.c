/*
 * The index of what can be had, in the cache and anew. See kernels.h.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fd.h"
#include "harness/vm/apt.h"
#include "harness/vm/kernels.h"

/* How long an index is good enough to pin something that has not been pinned. */
#define INDEX_GOOD_S (24 * 60 * 60)

/* What apt keeps of eleven suites is 49 MB, and a new index replaces the old one when it is there.
 */
#define INDEXES_BYTES (100ULL << 20)
#define AGAIN_BYTES   (64ULL << 20)

enum { INDEX_MAX = 64 << 20 };

int kernels_load(struct kernels *kernels, struct err *err)
{
	STR_AUTO text = STR_INIT;
	struct stat info;

	if (kernels->index_time)
		return 0;
	if (fstatat(kernels->store.dir, "index", &info, 0) < 0)
		return 0;
	if (fd_read_at_most(kernels->store.dir, "index", INDEX_MAX, &text, err) < 0)
		return -err->code;
	(void)debian_index_add(&kernels->index, str_text(&text), text.len, NULL);
	kernels->index_time = info.st_mtime;
	return 0;
}

/* Suites that somebody asked for once are looked for again. */
static size_t add_pinned_suites(const struct store_pins *pins, const char **suites, size_t max)
{
	size_t n = 0;

	for (size_t i = 0; i < pins->n && n < max; i++) {
		const char *colon = strchr(pins->all[i].spec, ':');
		if (colon && debian_is_suite(colon + 1))
			suites[n++] = colon + 1;
	}
	return n;
}

int kernels_refresh(struct kernels *kernels, const char *suite, struct err *err)
{
	enum { SUITES_MAX = 32 };
	const char *suites[SUITES_MAX + 2] = {0};
	MEM_AUTO char *apt = store_path(&kernels->store, "apt");
	struct store_pins pins = {0};
	struct debian_index index = {0};
	STR_AUTO text = STR_INIT;

	if (kernels_lock(kernels, err) < 0 || store_list_pins(&kernels->store, &pins, err) < 0)
		return -err->code;
	size_t n = add_pinned_suites(&pins, suites, SUITES_MAX);
	suites[n] = suite;
	int r = store_check_room(&kernels->store, kernels->index_time ? AGAIN_BYTES : INDEXES_BYTES,
				 err);
	if (r >= 0)
		r = apt_update(apt, suites, kernels->watch, &index, err);
	store_pins_free(&pins);
	if (r < 0)
		return r;
	debian_index_free(&kernels->index);
	kernels->index = index;
	kernels->index_time = time(NULL);
	kernels->fresh = true;
	debian_index_text(&kernels->index, &text);
	return store_put(&kernels->store, "index", str_text(&text), text.len, err);
}

/* An index that cannot be made anew is better than none. */
static int need_index(struct kernels *kernels, const char *suite, struct err *err)
{
	if (kernels->fresh || kernels_load(kernels, err) < 0)
		return kernels->fresh ? 0 : -err->code;
	if (kernels->index_time && time(NULL) - kernels->index_time < INDEX_GOOD_S)
		return 0;
	int r = kernels_refresh(kernels, suite, err);
	if (r == 0 || r == -EINTR || !kernels->index_time)
		return r;
	fetch_note(kernels->watch, "Debian's indexes are old and cannot be refreshed: %s",
		   err->text);
	return 0;
}

int kernels_choose(struct kernels *kernels, const char *wish, kernels_choose_fn fn, void *ret,
		   struct err *err)
{
	const char *suite = debian_is_suite(wish) ? wish : NULL;
	int r = need_index(kernels, suite, err);

	if (r >= 0)
		r = fn(&kernels->index, wish, ret, err);
	if (r == -ENOENT && !kernels->fresh) {
		struct err why = *err;
		if (kernels_refresh(kernels, suite, err) < 0)
			return err->code == EINTR ? -EINTR : (*err = why, -err->code);
		r = fn(&kernels->index, wish, ret, err);
	}
	return r;
}

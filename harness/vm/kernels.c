/*
 * See kernels.h.
 */
#include "harness/vm/kernels.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "harness/vm/kernels_fetch.h"
#include "harness/vm/sha256.h"
#include "harness/vm/summed.h"
#include "harness/vm/tiny.h"

enum { WISH_MAX = 100 };

int kernels_start(const struct fetch_watch *watch, struct kernels *ret, struct err *err)
{
	struct kernels kernels = {.watch = watch};

	if (store_open(&kernels.store, err) < 0)
		return -err->code;
	*ret = kernels;
	return 0;
}

void kernels_end(struct kernels *kernels)
{
	debian_index_free(&kernels->index);
	store_close(&kernels->store);
}

bool kernels_is_tiny(const char *spec)
{
	return str_starts(spec, TINY_PREFIX);
}

const char *kernels_wish(const char *spec, struct err *err)
{
	bool tiny = kernels_is_tiny(spec), known = tiny || str_starts(spec, DEBIAN_PREFIX);
	const char *wish = known ? strchr(spec, ':') + 1 : "";
	bool ok = isalnum((unsigned char)*wish) && strlen(wish) <= WISH_MAX;

	for (const char *at = wish; *at; at++)
		ok = ok && (isalnum((unsigned char)*at) || strchr("+-.~", *at));
	if (ok)
		return tiny ? spec : wish;
	(void)err_set(err, EINVAL,
		      "'%s' is no kernel of Debian's: expected 'debian:VERSION' or 'debian:SUITE', "
		      "such as debian:6.1 or debian:trixie, or 'tiny:VERSION'",
		      spec);
	return NULL;
}

int kernels_lock(struct kernels *kernels, struct err *err)
{
	return kernels->store.lock >= 0 ? 0 : store_lock(&kernels->store, kernels->watch, err);
}

/* ---- choosing and fetching ------------------------------------------------------------------ */

static int choose_kernel(const struct debian_index *index, const char *wish, void *ret,
			 struct err *err)
{
	return debian_choose(index, wish, ret, err);
}

static int choose(struct kernels *kernels, const char *spec, const char *wish, struct pin *ret,
		  struct err *err)
{
	struct debian_kernel kernel;
	int r = kernels_choose(kernels, wish, choose_kernel, &kernel, err);

	if (r >= 0)
		pin_from_kernel(spec, &kernel, ret);
	return r;
}

/* What is known of the kernel in the cache; false: not there. */
static bool is_cached(struct kernels *kernels, struct pin *pin)
{
	MEM_AUTO char *folder = pin_folder(pin);
	struct pin cached;
	struct err ignored = ERR_INIT;

	if (store_read_kernel(&kernels->store, folder, &cached, &ignored) != 1)
		return false;
	char *spec = pin->spec;
	pin->spec = NULL;
	pin_clear(pin);
	free(cached.spec);
	*pin = cached;
	pin->spec = spec;
	return true;
}

static int fetch_new(struct kernels *kernels, const char *spec, const char *wish, struct pin *ret,
		     struct err *err)
{
	int r = choose(kernels, spec, wish, ret, err);

	if (r < 0 || is_cached(kernels, ret))
		return r;
	r = kernels_fetch(&kernels->store, kernels->watch, ret, err);
	if (r == -ENOENT && !kernels->fresh) { /* newer ones have taken its place meanwhile */
		pin_clear(ret);
		r = kernels_refresh(kernels, debian_is_suite(wish) ? wish : NULL, err);
		return r < 0 ? r : fetch_new(kernels, spec, wish, ret, err);
	}
	if (r < 0)
		pin_clear(ret);
	return r;
}

static int fetch_pinned(struct kernels *kernels, const char *spec, struct pin *pin, struct err *err)
{
	if (is_cached(kernels, pin))
		return 0;
	int r = kernels_fetch(&kernels->store, kernels->watch, pin, err);
	if (r == -ENOENT)
		return err_set(err, ENOENT,
			       "kernel '%s' is pinned to %s, which the mirror has no more; "
			       "'oomlab kernels update %s' takes a newer one",
			       spec, pin->release, spec);
	return r;
}

/* Under the lock: another process may have been faster. */
static int get_locked(struct kernels *kernels, const char *spec, const char *wish, bool anew,
		      struct pin *pin, struct err *err)
{
	int r = anew ? 0 : store_read_pin(&kernels->store, wish, pin, err);

	if (r < 0)
		return r;
	r = r == 1 ? fetch_pinned(kernels, spec, pin, err)
		   : fetch_new(kernels, spec, wish, pin, err);
	return r < 0 ? r : store_write_pin(&kernels->store, wish, pin, err);
}

int kernels_get(struct kernels *kernels, const char *spec, bool anew, struct pin *ret,
		struct err *err)
{
	const char *wish = kernels_wish(spec, err);
	struct pin pin = {0};
	int r = wish ? 0 : -err->code;

	if (wish && kernels_is_tiny(spec))
		return tiny_get(kernels, spec, ret, err);
	if (wish && !anew)
		r = store_read_pin(&kernels->store, wish, &pin, err);
	bool there = r == 1 && is_cached(kernels, &pin);
	if (r >= 0 && !there) {
		pin_clear(&pin);
		r = kernels_lock(kernels, err);
		if (r >= 0)
			r = get_locked(kernels, spec, wish, anew, &pin, err);
	}
	if (r < 0)
		pin_clear(&pin);
	else
		*ret = pin;
	return r < 0 ? r : 0;
}

/* ---- removing ------------------------------------------------------------------------------- */

static bool is_meant(const struct store_pins *pins, const char *folder, const char *but)
{
	for (size_t i = 0; i < pins->n; i++) {
		MEM_AUTO char *other = pin_folder(&pins->all[i]);
		if (!str_eq(pins->all[i].spec, but) && str_eq(other, folder))
			return true;
	}
	return false;
}

/* Those that go by that spec and which no other means. Returns how many. */
static int remove_unpinned(struct kernels *kernels, const char *spec, const struct store_pins *pins,
			   struct err *err)
{
	struct store_pins all = {0};
	int n = 0, r = store_list_kernels(&kernels->store, &all, err);

	for (size_t i = 0; r >= 0 && i < all.n; i++) {
		MEM_AUTO char *folder = pin_folder(&all.all[i]);
		MEM_AUTO char *own = pin_own_spec(&all.all[i]);
		if (!str_eq(own, spec) || is_meant(pins, folder, ""))
			continue;
		r = store_remove_kernel(&kernels->store, folder, err);
		n++;
	}
	store_pins_free(&all);
	return r < 0 ? r : n;
}

/* Returns how many kernels or specs. */
static int remove_one(struct kernels *kernels, const char *spec, const char *wish,
		      const struct store_pins *pins, struct err *err)
{
	struct pin pin = {0};
	int r = store_read_pin(&kernels->store, wish, &pin, err);

	if (r == 1) {
		MEM_AUTO char *folder = pin_folder(&pin);
		r = is_meant(pins, folder, spec)
			    ? 0
			    : store_remove_kernel(&kernels->store, folder, err);
		if (r >= 0)
			r = store_remove_pin(&kernels->store, wish, err);
		pin_clear(&pin);
		return r < 0 ? r : 1;
	}
	if (r == 0)
		r = remove_unpinned(kernels, spec, pins, err);
	return r;
}

/* What else there is of it. */
static int remove_all_of(struct kernels *kernels, const char *spec, const char *wish,
			 const struct store_pins *pins, struct err *err)
{
	int removed = remove_one(kernels, spec, wish, pins, err);
	int left =
		removed >= 0 && kernels_is_tiny(spec) ? tiny_remove_builds(kernels, spec, err) : 0;

	if (removed < 0 || left < 0)
		return -err->code;
	if (removed + left == 0)
		return err_set(err, ENOENT, "'%s' is not in the cache", spec);
	return 0;
}

int kernels_remove(struct kernels *kernels, const char *spec, struct err *err)
{
	const char *wish = kernels_wish(spec, err);
	struct store_pins pins = {0};

	if (!wish || kernels_lock(kernels, err) < 0 ||
	    store_list_pins(&kernels->store, &pins, err) < 0)
		return -err->code;
	int r = remove_all_of(kernels, spec, wish, &pins, err);
	store_pins_free(&pins);
	return r;
}

int kernels_remove_all(struct kernels *kernels, struct err *err)
{
	static const char *const folders[] = {"pins", "kernels", "apt", "work", NULL};
	struct store_pins all = {0};

	if (kernels_lock(kernels, err) < 0 || tiny_remove_builds(kernels, NULL, err) < 0 ||
	    store_list_kernels(&kernels->store, &all, err) < 0)
		return -err->code;
	int r = 0;
	for (size_t i = 0; r >= 0 && i < all.n; i++) {
		MEM_AUTO char *folder = pin_folder(&all.all[i]);
		r = store_remove_kernel(&kernels->store, folder, err);
	}
	store_pins_free(&all);
	for (size_t i = 0; r >= 0 && folders[i]; i++) {
		MEM_AUTO char *path = store_path(&kernels->store, "%s", folders[i]);
		r = store_remove_tree(path, err);
	}
	if (r >= 0)
		(void)unlinkat(kernels->store.dir, "index", 0);
	return r;
}

/* ---- booting -------------------------------------------------------------------------------- */

/* Locked as long as the descriptor is open, QEMU's copy included; see store_remove_kernel(). */
static int open_image(const struct kernels *kernels, const struct pin *pin, struct err *err)
{
	MEM_AUTO char *folder = pin_folder(pin);
	MEM_AUTO char *name = mem_printf("kernels/%s/vmlinux", folder);
	MEM_AUTO char *summed = mem_printf("kernels/%s/summed", folder);
	char sha256[SHA256_TEXT];
	FD_AUTO fd = fd_open_at(kernels->store.dir, name, O_RDONLY, 0, err);

	if (fd < 0)
		return fd;
	(void)flock(fd, LOCK_SH | LOCK_NB);
	if (summed_before(&kernels->store, summed, fd, pin->vmlinux_sha256))
		return fd_take(&fd);
	if (sha256_of_fd(fd, sha256, err) < 0)
		return -err->code;
	if (!str_eq(sha256, pin->vmlinux_sha256))
		return err_set(err, EBADMSG, "'%s/%s' is not what was put there",
			       kernels->store.path, name);
	summed_keep(&kernels->store, summed, fd, sha256);
	return fd_take(&fd);
}

/* A damaged kernel is fetched once more; building takes too long to be done unasked. */
static int mend(struct kernels *kernels, const char *spec, struct pin *pin, struct err *err)
{
	MEM_AUTO char *folder = pin_folder(pin);

	const struct err why = *err;

	if (kernels_lock(kernels, err) < 0 || store_remove_kernel(&kernels->store, folder, err) < 0)
		return -err->code;
	if (pin_is_tiny(pin))
		return err_set(err, EBADMSG, "%s; 'oomlab kernels build %s' makes it anew",
			       why.text, spec);
	fetch_note(kernels->watch, "%s: fetched again", why.text);
	pin_clear(pin);
	return kernels_get(kernels, spec, false, pin, err);
}

static int boot(struct kernels *kernels, const char *spec, struct pin *pin, struct kernel *ret,
		struct err *err)
{
	int fd = open_image(kernels, pin, err);

	if (fd == -EBADMSG || fd == -ENOENT)
		fd = mend(kernels, spec, pin, err) < 0 ? -err->code : open_image(kernels, pin, err);
	if (fd < 0)
		return err_wrap(err, "kernel '%s'", spec);
	MEM_AUTO char *folder = pin_folder(pin);
	*ret = (struct kernel){.name = mem_dup(spec), .fd = fd};
	if (pin->modules)
		ret->modules = store_path(&kernels->store, "kernels/%s/modules", folder);
	else if (!pin_is_tiny(pin))
		fetch_note(kernels->watch,
			   "kernel '%s' (%s) is without modules, the mirror had none: no zram",
			   spec, pin->release);
	return 0;
}

int kernels_boot(const char *spec, const struct fetch_watch *watch, struct kernel *ret,
		 struct err *err)
{
	struct kernels kernels = {.store = {.dir = -1, .lock = -1}};
	struct pin pin = {0};

	if (kernels_start(watch, &kernels, err) < 0)
		return -err->code;
	int r = kernels_get(&kernels, spec, false, &pin, err);
	if (r >= 0)
		r = boot(&kernels, spec, &pin, ret, err);
	pin_clear(&pin);
	kernels_end(&kernels);
	return r;
}

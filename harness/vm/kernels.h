/*
 * Debian's kernels in the cache: chosen once, fetched and unpacked once, the same from then on. And
 * those that were built here, see tiny.h.
 */
#ifndef OOMLAB_VM_KERNELS_H
#define OOMLAB_VM_KERNELS_H

#include <stdbool.h>
#include <time.h>

#include "base/err.h"
#include "harness/vm/debian.h"
#include "harness/vm/fetch.h"
#include "harness/vm/kernel.h"
#include "harness/vm/pin.h"
#include "harness/vm/store.h"

struct kernels {
	struct store store;
	const struct fetch_watch *watch;
	struct debian_index index; /* empty before kernels_load() or kernels_refresh() */
	time_t index_time;	   /* of what is in it; 0: there is none */
	bool fresh;		   /* refreshed by this process */
};

int kernels_start(const struct fetch_watch *watch, struct kernels *ret, struct err *err);
void kernels_end(struct kernels *kernels);
/* Once and for all until the end: what was decided under the lock stays true. */
int kernels_lock(struct kernels *kernels, struct err *err);

/* Whether it is "tiny:...", a kernel that was built here (tiny.h). */
bool kernels_is_tiny(const char *spec);
/* The part after "debian:", or all of "tiny:..."; NULL and -EINVAL when it can be neither version
 * nor suite. */
const char *kernels_wish(const char *spec, struct err *err);

/* Reads the index that is in the cache; none is no error. */
int kernels_load(struct kernels *kernels, struct err *err);
/* Makes it anew by the network; 'suite' (may be NULL) is looked for even if nobody knows it. */
int kernels_refresh(struct kernels *kernels, const char *suite, struct err *err);

/* What the wish (without "debian:") means by the index, which is made anew when it is old or when
 * nothing in it fits. 'fn' chooses, with -ENOENT for what is not there. */
typedef int (*kernels_choose_fn)(const struct debian_index *index, const char *wish, void *ret,
				 struct err *err);
int kernels_choose(struct kernels *kernels, const char *wish, kernels_choose_fn fn, void *ret,
		   struct err *err);

/* Sees to it that "debian:WISH" is in the cache. With 'anew' what it means is decided again, else
 * once and for all. Needs the network only for what is not there. "tiny:WISH" is there or not. */
int kernels_get(struct kernels *kernels, const char *spec, bool anew, struct pin *ret,
		struct err *err);

/* Forgets what the spec means, and removes its kernel when no other spec means it. A cached kernel
 * without a spec goes by pin_own_spec(). With it goes what a build of it has left. -ENOENT: nothing
 * of all that; -EBUSY: it runs, or is being built. */
int kernels_remove(struct kernels *kernels, const char *spec, struct err *err);
/* Everything: specs, kernels, indexes. */
int kernels_remove_all(struct kernels *kernels, struct err *err);

/* kernel_open() of "debian:..." and "tiny:...". */
int kernels_boot(const char *spec, const struct fetch_watch *watch, struct kernel *ret,
		 struct err *err);

#endif

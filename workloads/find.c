/*
 * Looks a workload up in the generated table. Used by oomhog and by the harness, which checks
 * the options that scenarios give.
 */
#include <string.h>

#include "workloads/workload.h"

const struct wl *wl_find(const char *name)
{
	for (const struct wl *const *wl = wl_registry; *wl; wl++)
		if (strcmp((*wl)->name, name) == 0)
			return *wl;
	return NULL;
}

/* See descriptors.h. */
#include "harness/exec/descriptors.h"

#include <errno.h>
#include <sys/resource.h>

static struct rlimit before;
static int raised;

int descriptors_raise(struct err *err)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_errno(err, errno, "getrlimit");
	if (limit.rlim_max < DESCRIPTORS_LEAST)
		return err_set(err, EMFILE,
			       "expected to be allowed %d open files at least, the hard limit is "
			       "%llu: see 'ulimit -Hn'",
			       DESCRIPTORS_LEAST, (unsigned long long)limit.rlim_max);
	if (limit.rlim_cur == limit.rlim_max)
		return 0;
	before = limit;
	if (before.rlim_cur < DESCRIPTORS_LEAST)
		before.rlim_cur = DESCRIPTORS_LEAST; /* a hog needs some for itself */
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		return err_errno(err, errno, "setrlimit");
	raised = 1;
	return 0;
}

void descriptors_restore(void)
{
	if (raised)
		(void)setrlimit(RLIMIT_NOFILE, &before);
}

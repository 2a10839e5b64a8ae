/*
 * See retry.h. Kernel facts (6.18, measured): a charge that fails inside of a system call is
 * ENOMEM, EFAULT where the call was copying, E2BIG in execve, EAGAIN in fork and mlock, ENOBUFS in
 * sockets; a copy that has moved something before is a short transfer and no error.
 */
#include "harness/size/retry.h"

#include <errno.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

enum { MEM_DEVICES = 1 }; /* the major number of /dev/zero and its like */

#ifdef __x86_64__
static const uint64_t again_calls[] = {SYS_fork,  SYS_vfork,  SYS_clone,   SYS_clone3,
				       SYS_mlock, SYS_mlock2, SYS_mlockall};

static const struct transfer {
	uint64_t nr;
	int offset_arg;
	bool writes;
} transfers[] = {
	{SYS_read, -1, false},
	{SYS_write, -1, true},
	{SYS_pread64, 3, false},
	{SYS_pwrite64, 3, true},
};
#else
static const uint64_t again_calls[] = {UINT64_MAX};
static const struct transfer {
	uint64_t nr;
	int offset_arg;
	bool writes;
} transfers[] = {{UINT64_MAX, -1, false}};
#endif

static const struct transfer *find_transfer(uint64_t nr)
{
	for (size_t i = 0; i < sizeof(transfers) / sizeof(transfers[0]); i++)
		if (transfers[i].nr == nr)
			return &transfers[i];
	return NULL;
}

bool retry_is_transfer(uint64_t nr, int *ret_offset_arg)
{
	const struct transfer *transfer = find_transfer(nr);

	if (transfer)
		*ret_offset_arg = transfer->offset_arg;
	return transfer != NULL;
}

static bool is_again_call(uint64_t nr)
{
	for (size_t i = 0; i < sizeof(again_calls) / sizeof(again_calls[0]); i++)
		if (again_calls[i] == nr)
			return true;
	return false;
}

enum retry retry_decide(uint64_t nr, int64_t result, uint64_t asked)
{
	switch (result) {
	case -ENOMEM:
	case -EFAULT:
	case -E2BIG:
	case -ENOBUFS:
		return RETRY_AGAIN;
	case -EAGAIN:
		return is_again_call(nr) ? RETRY_AGAIN : RETRY_NO;
	default:
		break;
	}
	if (result > 0 && (uint64_t)result < asked && find_transfer(nr))
		return RETRY_REST;
	return RETRY_NO;
}

bool retry_rest_fits(uint64_t nr, mode_t mode, dev_t device)
{
	const struct transfer *transfer = find_transfer(nr);

	if (!transfer)
		return false;
	if (S_ISREG(mode) || S_ISBLK(mode))
		return true;
	if (S_ISCHR(mode))
		return major(device) == MEM_DEVICES;
	/* A blocking write to a pipe writes all; a read takes what is there. */
	return S_ISFIFO(mode) && transfer->writes;
}

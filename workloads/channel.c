/*
 * See channel.h.
 */
#include "workloads/channel.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int hog_receipt_pipe(int fds[2], struct err *err)
{
	char byte = 0;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "cannot make a pipe");
	if (write(fds[1], &byte, 1) == 1 && read(fds[0], &byte, 1) == 1 &&
	    fcntl(fds[0], F_SETFL, O_NONBLOCK) == 0)
		return 0;
	int errnum = errno;
	(void)close(fds[0]);
	(void)close(fds[1]);
	return err_errno(err, errnum, "cannot prepare a pipe");
}

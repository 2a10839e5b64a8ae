/* See signals.h. */
#include "base/signals.h"

#include <errno.h>
#include <sys/signalfd.h>

void signals_ending(sigset_t *ret)
{
	static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction now;

	sigemptyset(ret);
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		if (sigaction(ending[i], NULL, &now) < 0 || now.sa_handler != SIG_IGN)
			sigaddset(ret, ending[i]);
}

int signals_open(int also, sigset_t *ret_old, struct err *err)
{
	sigset_t set;

	signals_ending(&set);
	if (also)
		sigaddset(&set, also);
	(void)sigprocmask(SIG_BLOCK, &set, ret_old);
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? err_errno(err, errno, "signalfd") : fd;
}

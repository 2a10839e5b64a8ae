/*
 * The first process of the bare boot that 'make bench' compares with: ends the machine at once.
 */
#include <sys/io.h>
#include <unistd.h>

#include "harness/vm/channel.h"

int main(void)
{
	if (iopl(3) == 0)
		outb(CHANNEL_EXIT_VALUE, CHANNEL_EXIT_PORT);
	for (;;)
		(void)pause();
}

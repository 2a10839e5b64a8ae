/*
 * See wake.h. CLOCK_MONOTONIC needs nothing: it goes on where it stood when the machine was saved.
 */
#include "harness/guest/wake.h"

#include <fcntl.h>
#include <linux/random.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"

enum { ENTROPY_MAX = 64 };

static void set_time(long long unix_ns)
{
	const struct timespec now = {unix_ns / 1000000000, unix_ns % 1000000000};

	if (unix_ns > 0 && clock_settime(CLOCK_REALTIME, &now) < 0)
		perror("oomlab: the time of day");
}

static void stir(const char *hex)
{
	struct {
		int bits, bytes;
		unsigned char data[ENTROPY_MAX];
	} pool = {0, 0, {0}};
	FD_AUTO fd = open("/dev/urandom", O_RDWR | O_CLOEXEC);
	unsigned byte;

	for (; pool.bytes < ENTROPY_MAX && sscanf(hex, "%2x", &byte) == 1; hex += 2) {
		pool.data[pool.bytes++] = (unsigned char)byte;
		if (!hex[1])
			break;
	}
	pool.bits = pool.bytes * 8;
	if (fd < 0 || ioctl(fd, RNDADDENTROPY, &pool) < 0)
		perror("oomlab: randomness");
	else
		(void)ioctl(fd, RNDRESEEDCRNG); /* else the next reseed may be minutes away */
}

void guest_wake(const json_t *wake)
{
	const char *entropy = json_string_value(json_object_get(wake, "entropy"));

	set_time(json_integer_value(json_object_get(wake, "unix_ns")));
	stir(entropy ? entropy : "");
}

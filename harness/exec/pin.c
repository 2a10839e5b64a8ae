/*
 * See pin.h.
 */
#include "harness/exec/pin.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/fd.h"

void pin_file(const char *path, struct pin *ret)
{
	struct err err;
	struct stat st;
	FD_AUTO fd = fd_open_at(AT_FDCWD, path, O_RDONLY, 0, &err);

	*ret = (struct pin){0};
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size <= 0)
		return;
	void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
	if (map == MAP_FAILED)
		return;
	*ret = (struct pin){.map = map,
			    .bytes = (size_t)st.st_size,
			    .locked = mlock(map, (size_t)st.st_size) == 0};
}

void pin_release(struct pin *pin)
{
	if (pin->map)
		(void)munmap(pin->map, pin->bytes);
	*pin = (struct pin){0};
}

/*
 * See input.h. Reads, never maps: a mapped log counts as resident memory, and one that is truncated
 * meanwhile kills who reads it.
 */
#include "harness/input/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "harness/input/unpack.h"

enum {
	READ_BYTES = 128 << 10,
	UNPACKED_BYTES = 128 << 10,
	RECORD_MAX = 8 << 10, /* of /dev/kmsg (CONSOLE_EXT_LOG_MAX) */
};

struct input {
	int fd;
	bool kmsg, begun, ended;
	const struct unpack *unpack; /* NULL: plain */
	void *state;
	bool between;	   /* packed data may end here */
	struct err failed; /* comes after what could be unpacked before it, and stays */
	struct unpack_span packed;
	char *in, *out;
};

bool input_is_kmsg(const struct input *input)
{
	return input->kmsg;
}

static int check_kind(struct input *input, struct err *err)
{
	struct stat st;

	if (fstat(input->fd, &st) < 0)
		return err_errno(err, errno, "fstat");
	if (S_ISDIR(st.st_mode))
		return err_set(err, EISDIR, "is a directory, expected a file");
	return 0;
}

int input_open(const char *name, struct input **ret, struct err *err)
{
	struct input *input = mem_zero(1, sizeof(*input));
	int r;

	input->kmsg = str_eq(name, INPUT_KMSG);
	if (str_eq(name, INPUT_STDIN))
		input->fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	else
		input->fd = open(name,
				 O_RDONLY | O_CLOEXEC | O_NOCTTY | (input->kmsg ? O_NONBLOCK : 0));
	if (input->fd < 0)
		r = err_errno(err, errno, "cannot open it");
	else
		r = check_kind(input, err);
	if (r < 0) {
		input_free(input);
		return r;
	}
	input->in = mem_new(READ_BYTES);
	*ret = input;
	return 0;
}

void input_free(struct input *input)
{
	if (!input)
		return;
	if (input->state)
		input->unpack->close(input->state);
	fd_close_var(&input->fd);
	free(input->in);
	free(input->out);
	free(input);
}

static ssize_t read_some(int fd, char *buf, size_t size)
{
	ssize_t n;

	do
		n = read(fd, buf, size);
	while (n < 0 && errno == EINTR);
	return n;
}

/* Each read() gives one record; as many as fit are taken at once. EAGAIN is the end of what there
 * is, EPIPE says that records were overwritten before they could be read: go on with the oldest. */
static ssize_t read_kmsg(struct input *input)
{
	size_t n = 0;

	while (READ_BYTES - n >= RECORD_MAX) {
		ssize_t more = read_some(input->fd, input->in + n, RECORD_MAX);
		if (more < 0 && errno == EPIPE)
			continue;
		if (more < 0 && errno != EAGAIN && n == 0)
			return -1;
		if (more <= 0)
			break;
		n += (size_t)more;
	}
	return (ssize_t)n;
}

/* The first read may be short (a pipe): the magic bytes must be there all the same. */
static ssize_t read_first(struct input *input)
{
	size_t n = 0;

	while (n < UNPACK_MAGIC_MAX) {
		ssize_t more = read_some(input->fd, input->in + n, READ_BYTES - n);
		if (more < 0)
			return -1;
		if (more == 0)
			break;
		n += (size_t)more;
	}
	return (ssize_t)n;
}

static ssize_t fill(struct input *input, struct err *err)
{
	ssize_t n;

	if (input->kmsg)
		n = read_kmsg(input);
	else if (!input->begun)
		n = read_first(input);
	else
		n = read_some(input->fd, input->in, READ_BYTES);
	if (n < 0)
		return err_errno(err, errno, "cannot read it");
	input->ended = n == 0;
	return n;
}

static int begin(struct input *input, size_t n, struct err *err)
{
	input->begun = true;
	input->unpack = input->kmsg ? NULL : unpack_find(input->in, n);
	if (!input->unpack)
		return 0;
	if (!input->unpack->open)
		return err_set(err, EINVAL, "is %s: %s", input->unpack->name,
			       input->unpack->instead);
	input->state = input->unpack->open();
	if (!input->state)
		return err_set(err, ENOMEM, "cannot set up %s", input->unpack->name);
	input->out = mem_new(UNPACKED_BYTES);
	return 0;
}

static ssize_t read_packed(struct input *input, const char **ret_bytes, struct err *err)
{
	struct unpack_span out = {input->out, UNPACKED_BYTES};

	*ret_bytes = input->out;
	while (out.n == UNPACKED_BYTES) {
		if (input->packed.n == 0 && !input->ended) {
			ssize_t n = fill(input, err);
			if (n < 0)
				return n;
			input->packed = (struct unpack_span){input->in, (size_t)n};
		}
		size_t before = input->packed.n;
		int r = input->unpack->step(input->state, &input->packed, &out, input->ended, err);
		if (r == UNPACK_DONE) {
			input->ended = true;
			input->packed.n = before = 0;
		}
		input->between = r != UNPACK_MORE;
		bool stuck = input->ended && input->packed.n == before;
		if (r >= 0 && stuck && out.n == UNPACKED_BYTES && !input->between)
			r = err_set(err, EBADMSG, "truncated: its end is missing");
		if (r < 0) {
			err_wrap(err, "%s", input->unpack->name);
			input->failed = *err;
			return out.n < UNPACKED_BYTES ? (ssize_t)(UNPACKED_BYTES - out.n) : r;
		}
		if (stuck)
			break;
	}
	return (ssize_t)(UNPACKED_BYTES - out.n);
}

ssize_t input_read(struct input *input, const char **ret_bytes, struct err *err)
{
	if (input->failed.code) {
		*err = input->failed;
		return -err->code;
	}
	if (input->state)
		return read_packed(input, ret_bytes, err);
	if (input->ended)
		return 0;
	ssize_t n = fill(input, err);
	if (n <= 0 || input->begun) {
		*ret_bytes = input->in;
		return n;
	}
	int r = begin(input, (size_t)n, err);
	if (r < 0) {
		input->failed = *err;
		return r;
	}
	*ret_bytes = input->in;
	if (!input->unpack)
		return n;
	input->packed = (struct unpack_span){input->in, (size_t)n};
	return read_packed(input, ret_bytes, err);
}

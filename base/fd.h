/*
 * File descriptors: close on scope exit, whole-text reads and single-write writes below a
 * directory descriptor. Kernel interface files want exactly one write(2) per value.
 */
#ifndef OOMLAB_BASE_FD_H
#define OOMLAB_BASE_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/str.h"

#define FD_AUTO __attribute__((cleanup(fd_close_var))) int

/* Closes *fd when it is >= 0 and sets it to -1; keeps errno. */
void fd_close_var(int *fd);

/* Gives *fd to the caller and leaves -1 behind. */
int fd_take(int *fd);

/* openat(2) with O_CLOEXEC added; the message names the path. Returns the descriptor. */
int fd_open_at(int dirfd, const char *path, int flags, mode_t mode, struct err *err);

/* Reads a whole small text file into buf, always NUL-terminated, final newline kept.
 * Returns its length; -ENOBUFS when it does not fit. */
int fd_read_text(int dirfd, const char *path, char *buf, size_t size, struct err *err);

/* The same for an open descriptor, from offset 0 (kernel files are read anew so). */
int fd_reread_text(int fd, char *buf, size_t size, struct err *err);

/* Reads a file of any size and appends it to out. Returns 0. */
int fd_read_all(int dirfd, const char *path, struct str *out, struct err *err);

/* The same of a file that a user named, which may be anything: never waits for data, and stops
 * after 'max' bytes with -EFBIG. A file of /proc has size 0 and may have no end. */
int fd_read_at_most(int dirfd, const char *path, size_t max, struct str *out, struct err *err);

/* Writes text with one write(2) into an existing file (no O_CREAT, no O_TRUNC). */
int fd_write_text(int dirfd, const char *path, const char *text, struct err *err);

/* Writes all bytes, over short writes and EINTR. Returns 0 or -errno (no message). */
int fd_write_full(int fd, const void *data, size_t size);

/* Whether fd is a pipe or socket whose reader has gone: what was written is of no use to anyone. */
bool fd_reader_gone(int fd);

/* pidfd_open(2). Returns the descriptor or -errno (no message). */
int fd_pidfd_open(pid_t pid);

/* pidfd_send_signal(2). Returns 0 or -errno (no message). */
int fd_pidfd_signal(int pidfd, int signal);

#endif

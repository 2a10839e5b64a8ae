/*
 * The harness's half of the way back from a hog: a pipe whose one page is charged to the caller,
 * not to the hog's group. Needs libc alone.
 */
#ifndef OOMLAB_WORKLOADS_CHANNEL_H
#define OOMLAB_WORKLOADS_CHANNEL_H

#include "base/err.h"

/* Makes a pipe (close-on-exec, read end non-blocking) and passes a byte through it, so that it
 * keeps the page that the caller has paid for (the kernel's pipe->tmp_page). Receipts then cost
 * the hog nothing while less than a page of them, some 70, waits unread. fds[0] is the read end;
 * clear FD_CLOEXEC of fds[1] in the child and give it as --receipt-fd. Receipts are written
 * whole (they are shorter than PIPE_BUF). */
int hog_receipt_pipe(int fds[2], struct err *err);

#endif

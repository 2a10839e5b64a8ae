/*
 * What the parts of a hog's life share among themselves: hog.c, command.c and alone.c. Not for
 * the workloads.
 */
#ifndef OOMLAB_WORKLOADS_HOG_LIVE_H
#define OOMLAB_WORKLOADS_HOG_LIVE_H

#include "workloads/hog_run.h"

/* Sends a receipt; ends the hog when the harness has gone. */
void hog_send(struct hog *hog, const struct hog_receipt *receipt);

/* Marks the status page and ends the process with all its threads. */
_Noreturn void hog_end(struct hog *hog, int status);

/* The pattern, then hold or exit, with lines on stdout. */
_Noreturn void hog_live_alone(struct hog *hog);

#endif

/*
 * --save of 'oomlab size' and 'oomlab sweep': what has to be the same in two calls for the runs of
 * one to be the other's.
 */
#ifndef OOMLAB_CMD_SIZE_SAVE_H
#define OOMLAB_CMD_SIZE_SAVE_H

#include "harness/cmd/size_session.h"

/* Joins the file to session->lab. -EINVAL: it is of something else; -EBUSY. */
int size_save_open(struct size_session *session, struct err *err);
/* Says what could not be written. */
void size_save_close(struct size_session *session);

#endif

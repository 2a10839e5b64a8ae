/*
 * What a machine is told when it begins or goes on from a saved state, in which the time stood
 * still and whose randomness all that come from it would share. Private to the guest.
 */
#ifndef OOMLAB_GUEST_WAKE_H
#define OOMLAB_GUEST_WAKE_H

#include <jansson.h>

/* {"unix_ns": the time of day, "entropy": hexadecimal digits} */
void guest_wake(const json_t *wake);

#endif

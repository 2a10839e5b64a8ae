/*
 * See version.h.
 */
#include "base/version.h"

#include "build/gen/version.h"

const char oomlab_version[] = OOMLAB_VERSION;
const char oomlab_date[] = OOMLAB_DATE;

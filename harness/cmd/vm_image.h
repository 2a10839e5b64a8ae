/*
 * The initramfs of 'oomlab vm': the guest's programs, modules of the kernel and the scenarios that
 * were asked for.
 */
#ifndef OOMLAB_CMD_VM_IMAGE_H
#define OOMLAB_CMD_VM_IMAGE_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "base/opts.h"
#include "harness/cmd/vm_evidence.h"
#include "harness/vm/kernel.h"

struct vm_image_request {
	const struct kernel *kernel; /* its modules go in */
	const struct opt_list *with; /* programs of this machine */
	/* Its scenarios: what is a file or folder here goes into the image, other words are names
	 * of the catalogue's. */
	struct vm_wish wish;
	bool swap;   /* the machine begins with swap */
	bool person; /* somebody is going to use it: a shell and small programs go in */
};

/* The image in a file without a name (a descriptor), and the scenarios' words as the guest knows
 * them, appended to 'words'. With 'at_once' the guest runs the words as it boots, without being
 * asked: what comes over a port comes at a moment of the host's choice, and no run is like
 * another. */
int vm_image_build(const struct vm_image_request *request, json_t *words, bool at_once,
		   struct err *err);

#endif

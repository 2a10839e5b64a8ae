/*
 * See vm_accel.h.
 */
#include "harness/cmd/vm_accel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/fd.h"
#include "base/str.h"
#include "harness/cmd/vm_run_internal.h"
#include "harness/vm/qemu.h"
#include "harness/vm/sha256.h"
#include "harness/vm/store.h"

/* Many times what a boot takes with KVM, and about four times what it takes without. */
#define PROBE_NS 8000000000ULL

static const char yes[] = "boots\n";

/* accel/HASH in the cache: whatever may change the answer goes into its name. */
static int name_of(const struct vm_run *run, const char *append, char name[SHA256_TEXT + 8],
		   struct err *err)
{
	char kernel[SHA256_TEXT], all[SHA256_TEXT], version[32];
	struct utsname host;

	(void)uname(&host);
	if (qemu_version(NULL, version, sizeof(version), err) < 0 ||
	    sha256_of_fd(run->kernel->fd, kernel, err) < 0)
		return -err->code;
	MEM_AUTO char *text =
		mem_printf("%s %s %s %s %s", kernel, version, host.release, host.version, append);
	sha256_of(text, strlen(text), all);
	snprintf(name, SHA256_TEXT + 8, "accel/%s", all);
	return 0;
}

/* Returns 1: it boots, 0: it does not, -ENOENT: nobody knows. */
static int recall(const struct store *store, const char *name)
{
	char text[256];
	struct err ignored;

	if (fd_read_text(store->dir, name, text, sizeof(text), &ignored) < 0)
		return -ENOENT;
	return str_eq(text, yes);
}

/* Returns 1, 0, or -EINTR. */
static int probe(const struct vm_run *run, int initrd, const char *append, struct err *err)
{
	struct machine_options options = vm_run_machine(run, initrd, append);
	struct machine *machine = NULL;

	options.qemu.kvm = true;
	options.boot_ns = PROBE_NS;
	options.interrupt_fd = run->interrupt_fd;
	int r = machine_start(&options, &machine, err);
	machine_free(machine);
	return r == -EINTR ? r : r >= 0;
}

static int find_out(const struct vm_run *run, int initrd, const char *append, struct err *err)
{
	struct store store = {.dir = -1, .lock = -1};
	char name[SHA256_TEXT + 8];
	struct err ignored;

	if (name_of(run, append, name, err) < 0)
		return -err->code;
	bool kept = store_open(&store, &ignored) >= 0;
	int r = kept ? recall(&store, name) : -ENOENT;
	if (r == -ENOENT) {
		fprintf(stderr, "oomlab vm: trying whether this kernel boots with KVM here\n");
		r = probe(run, initrd, append, err);
		if (r >= 0 && kept) {
			const char *text = r ? yes : "does not boot\n";
			(void)mkdirat(store.dir, "accel", 0755);
			/* Without it the next one tries again. */
			(void)store_put(&store, name, text, strlen(text), &ignored);
		}
	}
	if (kept)
		store_close(&store);
	return r;
}

int vm_accel(const struct vm_run *run, int initrd, const char *append, bool *ret_kvm,
	     struct err *err)
{
	const int how = run->values->accel;
	FD_AUTO kvm = -1;

	*ret_kvm = false;
	if (how == VM_TCG)
		return 0;
	kvm = fd_open_at(-1, "/dev/kvm", O_RDWR, 0, err);
	if (kvm < 0)
		return how == VM_AUTO ? 0 : err_wrap(err, "--accel=kvm");
	int r = find_out(run, initrd, append, err);
	if (r < 0)
		return r;
	*ret_kvm = r > 0;
	if (r == 0 && how == VM_KVM)
		return err_set(err, EOPNOTSUPP,
			       "--accel=kvm: this kernel did not boot with KVM on this host within "
			       "%d s: use --accel=tcg",
			       (int)(PROBE_NS / 1000000000ULL));
	return 0;
}

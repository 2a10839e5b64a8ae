# What the tests of virtual machines boot; sourced after tap.sh.
# shellcheck shell=sh disable=SC2154 # tap_dir comes from tap.sh

# Prints the kernel to boot: $OOMLAB_TEST_KERNEL, what 'oomlab vm --kernel' takes, or Debian's 6.1
# out of the cache or the archive, or this machine's own; else says in $tap_dir/why why there is none.
kernel() {
	if [ -n "${OOMLAB_TEST_KERNEL:-}" ]; then
		echo "$OOMLAB_TEST_KERNEL"
	elif timeout 300 "$OOMLAB" kernels fetch debian:6.1 >/dev/null 2>"$tap_dir/why"; then
		echo debian:6.1
	elif [ -r "/boot/vmlinuz-$(uname -r)" ] || [ -r "/lib/modules/$(uname -r)/vmlinuz" ]; then
		echo host
	fi
}

#!/bin/sh
# Scenarios in a virtual machine: one kernel is booted where QEMU and a kernel are. The kernel is
# $OOMLAB_TEST_KERNEL, what 'oomlab vm --kernel' takes, or the newest in the cache of 'oomlab
# kernels', or this machine's own.
. tests/lib/tap.sh

kernel() {
	if [ -n "${OOMLAB_TEST_KERNEL:-}" ]; then
		echo "$OOMLAB_TEST_KERNEL"
		return
	fi
	cache=$HOME/.cache/oomlab
	[ "$(id -u)" -ne 0 ] || cache=/var/cache/oomlab
	# What was decided once needs no network any more.
	found=$(find "${OOMLAB_CACHE:-$cache}/pins" -name '*.json' 2>/dev/null | sort -V | tail -n 1)
	if [ -n "$found" ]; then
		basename "$found" .json | sed 's/^/debian:/'
		return
	fi
	for image in "/boot/vmlinuz-$(uname -r)" "/lib/modules/$(uname -r)/vmlinuz"; do
		[ -r "$image" ] && echo host && return
	done
}

# Outside of a machine of its own nothing of it runs, whatever is allowed.
run "$OOMLAB" run --this-machine-is-disposable --results "$tap_dir/r" global
is_status 77 'global scenarios are skips outside of oomlab vm'
like "$out" 'runs in a virtual machine: oomlab vm'
ok 'all of them' sh -c "! grep -qE '^(pass|fail|broken)' '$out'"

image=$(kernel)
if ! command -v qemu-system-x86_64 >/dev/null; then
	skip 'in a virtual machine' 'qemu-system-x86_64 is not installed'
	done_testing
fi
if [ -z "$image" ]; then
	skip 'in a virtual machine' 'no kernel: set OOMLAB_TEST_KERNEL, or fetch one by oomlab kernels'
	done_testing
fi

cat >"$tap_dir/no-panic.yaml" <<'Y'
needs: {vm: yes}
panic: deadlocked
within: 100ms
steps: [{expect: {}}]
Y
cat >"$tap_dir/other-panic.yaml" <<'Y'
needs: {vm: yes, swap: none}
host: {sysctl: {vm.panic_on_oom: 1}}
panic: "^something else$"
tasks: {hog: {run: step}}
steps: [{step: {task: hog, size: 5%, times: 30, until: dead}}]
Y
cat >"$tap_dir/unexpected.yaml" <<'Y'
needs: {vm: yes, swap: none}
host: {sysctl: {vm.panic_on_oom: 1}}
tasks: {hog: {run: step}}
steps: [{step: {task: hog, size: 5%, times: 30, until: dead}}, {expect: {killed: hog}}]
Y

# Four machines die, and what comes after them runs all the same.
run timeout 300 "$OOMLAB" vm -k "$image" --results "$tap_dir/r" "$tap_dir/other-panic.yaml" \
	global/panic-on-oom-1 "$tap_dir/unexpected.yaml" global/no-killable-process \
	"$tap_dir/no-panic.yaml" global/largest-dies
is_status 1 'a run in which panics fail and pass'
like "$out" '^pass .* global/panic-on-oom-1$' 'global/panic-on-oom-1 passes'
like "$out" '^pass .* global/no-killable-process$' 'global/no-killable-process passes'
like "$out" '^pass .* global/largest-dies$' 'global/largest-dies passes'
like "$out" 'panic: expected .something else., got Out of memory: system-wide panic_on_oom is' 'another panic fails'
like "$out" 'panic: expected none, got Out of memory: system-wide panic_on_oom is enabled' 'a panic that nobody expected fails'
like "$out" 'panic: expected deadlocked, got none, the machine runs on' 'no panic fails'
like "$out" '^3 passed, 3 failed, 0 skipped, 0 broken' 'nothing is lost'
ok 'each machine leaves its console' test -s "$tap_dir/r/latest/console-2.log"
done_testing

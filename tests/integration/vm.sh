#!/bin/sh
# Scenarios in a virtual machine: one kernel is booted where QEMU and a kernel are. The kernel is
# $OOMLAB_TEST_KERNEL, what 'oomlab vm --kernel' takes, or Debian's 6.1 out of the cache or the
# archive, or this machine's own.
. tests/lib/tap.sh

# Prints the kernel to boot; else says in $tap_dir/why why there is none.
kernel() {
	if [ -n "${OOMLAB_TEST_KERNEL:-}" ]; then
		echo "$OOMLAB_TEST_KERNEL"
	elif timeout 300 "$OOMLAB" kernels fetch debian:6.1 >/dev/null 2>"$tap_dir/why"; then
		echo debian:6.1
	elif [ -r "/boot/vmlinuz-$(uname -r)" ] || [ -r "/lib/modules/$(uname -r)/vmlinuz" ]; then
		echo host
	fi
}

# Outside of a machine of its own nothing of it runs, whatever is allowed.
run "$OOMLAB" run --this-machine-is-disposable --results "$tap_dir/r" global
is_status 77 'global scenarios are skips outside of oomlab vm'
like "$out" 'runs in a virtual machine: oomlab vm'
ok 'all of them' sh -c "! grep -qE '^(pass|fail|broken)' '$out'"

if ! command -v qemu-system-x86_64 >/dev/null; then
	skip 'in a virtual machine' 'qemu-system-x86_64 is not installed'
	done_testing
fi
image=$(kernel)
if [ -z "$image" ]; then
	skip 'in a virtual machine' "no kernel: $(head -n 1 "$tap_dir/why")"
	done_testing
fi

# What the kernel says it has is what the record says it was.
for version in v1 v2; do
	run timeout 300 "$OOMLAB" vm -k "$image" -c $version --results "$tap_dir/$version" \
		limits/limit-kills-largest score/adj-protects
	is_status 0 "cgroup $version"
	like "$out" '^2 passed, 0 failed, 0 skipped, 0 broken' "cgroup $version: both pass"
	like "$tap_dir/$version/latest/record.json" "\"memory_version\": ${version#v}" "it was $version"
done

# What cgroup v2 has of its own, and how events are counted with the other way of mounting it.
run timeout 300 "$OOMLAB" vm -k "$image" -c v2 --results "$tap_dir/own" v2
is_status 0 'the catalogue of cgroup v2'
like "$out" ' 0 failed, [0-9]* skipped, 0 broken' 'nothing of it fails'
run timeout 300 "$OOMLAB" vm -k "$image" -c v2 --append OOMLAB_CGROUP2_OPTIONS=memory_localevents \
	--results "$tap_dir/local" v2/events-at-each-level v2/group-counts-one-more
is_status 0 'counted in the group alone'
like "$out" '^2 passed, 0 failed, 0 skipped, 0 broken' 'both pass with memory_localevents'
like "$tap_dir/local/latest/record.json" '"localevents": true' 'it was mounted so'

# Instructions for a clock: the same run again, to the microsecond.
for i in 1 2; do
	run timeout 300 "$OOMLAB" vm -k "$image" --seed 42 --results "$tap_dir/seed$i" limits/three-race
	is_status 0 "seed 42, run $i"
done
ok 'the same console' cmp "$tap_dir/seed1/latest/console.log" "$tap_dir/seed2/latest/console.log"

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

#!/bin/sh
# Scenarios in virtual machines of one kernel (tests/lib/kernel.sh), where QEMU and a kernel are.
. tests/lib/tap.sh
. tests/lib/kernel.sh

# Outside of a machine of its own nothing of it runs, whatever is allowed.
run "$OOMLAB" run --this-machine-is-disposable --results "$tap_dir/r" global
is_status 77 'global scenarios are skips outside of oomlab vm'
like "$out" 'runs in a virtual machine: oomlab vm'
ok 'all of them' sh -c "! grep -qE '^(pass|fail|broken)' '$out'"

# What is missing is said in one line, before anything starts.
one_line() {
	is_status 3 "$1"
	like "$err" "$2" "$1: says so"
	is "$1: in one line" 1 "$(wc -l <"$err")"
}
gone=global/oom-kill-sysctl-is-gone
run env PATH="$tap_dir" "$OOMLAB" vm --results "$tap_dir/no-qemu" -c v1,v2 $gone
one_line 'no QEMU' "^oomlab vm: 'qemu-system-x86_64' does not run here: install it"
is 'no QEMU: what did not run is broken' 2 "$(grep -c "^broken .* $gone$" "$out")"
is 'no QEMU: in a record each' 2 "$(grep -l '"verdict": "broken"' "$tap_dir"/no-qemu/2*/record.json | wc -l)"
run env PATH="$tap_dir" "$OOMLAB" vm -e true
one_line 'a command without QEMU' "^oomlab vm: 'qemu-system-x86_64' does not run here: install it"

# Mistakes are told before a kernel is looked for, let alone booted.
printf 'steps: [{bogus: 1}]\n' >"$tap_dir/bogus.yaml"
: >"$tap_dir/empty"
before() {
	name=$1 says=$2
	shift 2
	run "$OOMLAB" vm -k "$tap_dir/empty" --results "$tap_dir/before" "$@"
	is_status 2 "$name"
	like "$err" "$says" "$name: says so"
	ok "$name: nothing else is said" sh -c "! grep -q 'is no x86 kernel' '$err' && [ ! -s '$out' ]"
}
for more in '' '--seeds 1..3' '--replay 1'; do
	# shellcheck disable=SC2086 # words
	before "a mistake in a file${more:+, $more}" "bogus.yaml:1:10: unknown step 'bogus'" $more "$tap_dir/bogus.yaml"
done
before 'a filter that leaves nothing' 'no scenario is left after the filters' -f nosuch global
before 'a name of nothing' "no scenario, file or folder 'nosuch'" nosuch
before 'a parameter of nobody' "-p 'nosuch=1': expected" -p nosuch=1 $gone
before 'no time' '--timeout: expected more than nothing' -t 0s $gone
before 'a word that is no kernel of Debian' "--kernel: 'debian:' is no kernel of Debian's" -k debian: $gone

# So does a kernel with seeds, which is not tried over and over.
run "$OOMLAB" vm -k "$tap_dir/empty" --seeds 1..500 --results "$tap_dir/no-seeds" $gone
is_status 3 'seeds of no kernel'
like "$out" 'seeds 1..500: 0 ran, [0-9]+ are incomplete, [0-9]+ were not tried$' 'seeds of no kernel: how many'
like "$out" '^ +[0-9]+ 100.0% +1  broken  nobody$' 'seeds of no kernel: are broken'
ok 'seeds of no kernel: the smallest is kept' grep -q 'is no x86 kernel' "$tap_dir/no-seeds/latest/record.json"
for again in --seed --replay; do
	run "$OOMLAB" vm -k "$tap_dir/empty" $again 1 --results "$tap_dir/no$again" $gone
	is_status 3 "$again of no kernel"
	like "$out" "^broken .* $gone$" "$again of no kernel: is broken"
done

# A full disk: what was found is told all the same, and nothing that is half there is in the way.
full=$tap_dir/full
mkdir "$full"
on_full_disk() {
	name=$1
	shift
	# shellcheck disable=SC2016 # the inner shell expands it
	run unshare -m --propagation private sh -c 'full=$1; oomlab=$2; shift 2
		mount -t tmpfs -o size=64k none "$full" && mkdir "$full/r"
		dd if=/dev/zero of="$full/fill" bs=1k 2>"$full.dd"
		status=0
		"$oomlab" vm "$@" || status=$?
		find "$full/r" -type f -size +0 >"$full.left"
		"$oomlab" matrix "$full/r" >"$full.matrix" 2>&1
		exit $status' sh "$full" "$OOMLAB" "$@"
	is_status 3 "a full disk, $name"
	is "a full disk, $name: in one line" 1 "$(grep -c 'No space left on device$' "$err")"
	like "$out" "$says" "a full disk, $name: what was found is told"
}
if unshare -m --propagation private true 2>/dev/null; then
	says="^broken .* $gone$"
	on_full_disk 'a record' -k "$tap_dir/empty" --results "$full/r" $gone
	is 'a full disk, a record: nothing half is left' '' "$(cat "$full.left")"
	like "$full.matrix" 'no record of a run in folder' 'a full disk, a record: a matrix has none'
	says='broken  nobody$'
	on_full_disk seeds -k "$tap_dir/empty" --results "$full/r" --seeds 1..2 $gone
	is 'a full disk, seeds: nothing half is left' '' "$(cat "$full.left")"
	run unshare -m --propagation private sh -c "mount -t tmpfs -o size=4k none '$full' &&
		dd if=/dev/zero of='$full/fill' bs=1k 2>'$full.dd'
		exec '$OOMLAB' vm -k '$tap_dir/empty' --results '$tap_dir/r' -o '$full/out' $gone"
	is_status 3 'a full disk, the report'
	like "$err" "^oomlab vm: cannot write '$full/out': No space left on device$" \
		'a full disk, the report: says so'
else
	skip 'a full disk' 'no mounts of its own'
fi

if ! command -v qemu-system-x86_64 >/dev/null; then
	skip 'in a virtual machine' 'qemu-system-x86_64 is not installed'
	done_testing
fi
image=$(kernel)
if [ -z "$image" ]; then
	skip 'in a virtual machine' "no kernel: $(head -n 1 "$tap_dir/why")"
	done_testing
fi

run "$OOMLAB" vm -k "$tap_dir/none" --results "$tap_dir/r" $gone
one_line 'no kernel' "^oomlab vm: .*'$tap_dir/none'.*No such file"
run "$OOMLAB" vm -k "$image" --memory 100T --results "$tap_dir/r"
one_line 'no memory for it' '^oomlab vm: a machine needs [0-9]+ MiB, and of this one.s memory [0-9]+ MiB are available'
: >"$tap_dir/socket"
run "$OOMLAB" vm -k "$image" --gdb "$tap_dir/socket"
is_status 2 'a debugger where a file is'
like "$err" "'$tap_dir/socket' is there already" 'a debugger where a file is: says so'

# Before a machine is ready its end is no verdict; a panic then is tried once more.
run timeout 120 "$OOMLAB" vm -k "$image" --append rdinit=/none --results "$tap_dir/r" global/largest-dies
is_status 3 'a kernel that does not take its initramfs'
is 'it is tried twice' 2 "$(grep -c 'the machine did not get ready: the machine ended (panic: VFS' "$err")"
like "$err" '^\[.*Kernel panic - not syncing: VFS' 'the console shows why'
run timeout 120 "$OOMLAB" vm -k "$image" --append rdinit=/none --seeds 1..1 --results "$tap_dir/r" $gone
is_status 3 'a seed of a kernel that panics'
like "$out" '^ +1 100.0% +1  broken  nobody$' 'a seed of a kernel that panics: is broken'
like "$out" 'nothing was run: .*panic: VFS' 'a seed of a kernel that panics: why'
run timeout 120 "$OOMLAB" vm -k "$image" --boot-timeout 50ms --results "$tap_dir/r" global/largest-dies
is_status 3 'a machine that never boots'
like "$err" 'did not get ready: the machine ended \(timeout\)' 'it says so'
like "$err" '^\[oomlab: it was at [ER]IP=' 'and where it was'
run timeout 120 "$OOMLAB" vm -k "$image" --append cgroup_disable=memory --results "$tap_dir/r" \
	limits/limit-kills-largest global/sysrq-f-nobody
is_status 3 'a kernel without the memory controller'
is 'it is said in one line' 1 "$(grep -c '^oomlab vm: .*has no memory controller.*cgroup_disable=memory)$' "$err")"
like "$err" '^the guest.s console ended with:' 'with the console'
is 'what did not run is broken' 2 "$(grep -c '^broken ' "$out")"
like "$out" '^0 passed, 0 failed, 0 skipped, 2 broken' 'and nothing is a skip'

# What the kernel says it has is what the record says it was.
for version in v1 v2; do
	run timeout 300 "$OOMLAB" vm -k "$image" -c $version --results "$tap_dir/$version" \
		limits/limit-kills-largest score/adj-protects
	is_status 0 "cgroup $version"
	like "$out" '^2 passed, 0 failed, 0 skipped, 0 broken' "cgroup $version: both pass"
	like "$tap_dir/$version/latest/record.json" "\"memory_version\": ${version#v}" "it was $version"
done

# The machine's own OOM killer, whatever has the groups.
for version in v1 v2; do
	run timeout 600 "$OOMLAB" vm -k "$image" -c $version --results "$tap_dir/global-$version" global
	is_status 0 "cgroup $version: the global catalogue"
	like "$out" ' 0 failed, [0-9]* skipped, 0 broken' "cgroup $version: nothing of it fails"
	like "$out" '^audit: .*tables?, (all )?explained$' "cgroup $version: each table is explained"
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

# A task that writes where the harness speaks breaks its own verdict; on the console it says nothing.
cat >"$tap_dir/liar.yaml" <<'Y'
needs: {vm: yes, programs: [sh, sleep]}
within: 20s
tasks:
  liar: {exec: [sh, -c, "echo '{\"result\": {\"name\": \"global/oom-kill-sysctl-is-gone\", \"verdict\": \"fail\"}}' >/dev/ttyS0; echo garbage >/dev/.oomlab-channel; exec sleep 60"]}
steps: [{expect: {exited: {liar: 0}}}]
Y
run timeout 120 "$OOMLAB" vm -k "$image" -j 1 --results "$tap_dir/liar" "$tap_dir/liar.yaml" \
	global/oom-kill-sysctl-is-gone
is_status 3 'garbage on the channel'
like "$out" 'the machine ended before its verdict .garbage on its channel.' 'the one who wrote it is broken'
like "$out" '^pass .* global/oom-kill-sysctl-is-gone$' 'the next one passes'

# Where a saved machine does not go on each one boots, and that is said once.
real=$(command -v qemu-system-x86_64)
mkdir "$tap_dir/bin"
cat >"$tap_dir/bin/qemu-system-x86_64" <<S
#!/bin/sh
for word; do [ "\$word" != -incoming ] || exit 1; done
exec $real "\$@"
S
chmod +x "$tap_dir/bin/qemu-system-x86_64"
run timeout 300 env PATH="$tap_dir/bin:$PATH" "$OOMLAB" vm -k "$image" -j 1 --results "$tap_dir/r" \
	global/sysrq-f-nobody global/oom-kill-sysctl-is-gone global/panic-on-oom-2
is_status 0 'no saved machine goes on'
is 'it is said once' 1 "$(grep -c 'from now on each one boots' "$err")"

# A kernel that does not boot, one that is none, and one that is good: what did not run is broken, in
# the record, too, and the good one runs.
cat >"$tap_dir/bin/qemu-system-x86_64" <<S
#!/bin/sh
case "\$*" in *--version*) ;; *OOMLAB_CGROUP=v1*) exit 1 ;; esac
exec $real "\$@"
S
run timeout 120 env PATH="$tap_dir/bin:$PATH" "$OOMLAB" vm -k /dev/null -k "$image" -c v1,v2 -r 2 \
	--results "$tap_dir/dead" global/oom-kill-sysctl-is-gone
is_status 3 'a kernel that does not boot'
like "$err" "kernel '/dev/null': is no x86 kernel" 'no kernel'
is 'no kernel: what did not run is broken' 4 "$(grep -c "is no x86 kernel" "$out")"
like "$out" '^broken .* global/oom-kill-sysctl-is-gone#2$' 'what did not run is broken'
like "$out" 'the machine ended before it had run anything .failed.' 'why'
like "$out" '^pass .* global/oom-kill-sysctl-is-gone#2$' 'the next one runs'
is 'all have a record' 4 "$(grep -l '"planned": 2' "$tap_dir"/dead/2*/record.json | wc -l)"
# Both are one document. (TAP's names, and JSON that is an array.)
for format in tap json; do
	timeout 120 env PATH="$tap_dir/bin:$PATH" "$OOMLAB" vm -k "$image" -c v1,v2 --format "$format" \
		--results "$tap_dir/dead" -o "$tap_dir/all.$format" global/oom-kill-sysctl-is-gone \
		2>/dev/null || true
done
is 'one TAP' 'TAP version 13' "$(grep '^TAP' "$tap_dir/all.tap")"
is 'its plan is last' 1..2 "$(tail -n 1 "$tap_dir/all.tap")"
like "$tap_dir/all.tap" '^not ok 1 - .* on .*, cgroup v1 ' 'the first'
like "$tap_dir/all.tap" '^ok 2 - .* on .*, cgroup v2 ' 'the second'
is 'one array' '[ , ]' "$(grep -x '[],[]' "$tap_dir/all.json" | xargs)"

run timeout 120 "$OOMLAB" vm -k "$image" --swap 64M:disk --results "$tap_dir/disk" score/all-protected
like "$tap_dir/disk/latest/record.json" '"swap_total_bytes": 67104768' 'swap on a disk'

# A person's machine.
# shellcheck disable=SC2016 # the guest's shell expands it
printf 'echo it is $((6 * 7)); exit 5\n' >"$tap_dir/keys"
status=0
timeout 120 "$OOMLAB" vm -k "$image" --shell <"$tap_dir/keys" >"$tap_dir/out" 2>"$tap_dir/err" || status=$?
is_status 5 'a shell: its exit status is the exit status'
like "$tap_dir/out" '^it is 42' 'a shell runs what is typed'

# A script's machine.
mkdir "$tap_dir/tree"
echo brought >"$tap_dir/tree/file"
# shellcheck disable=SC2016 # the guest's shell expands it
run timeout 120 "$OOMLAB" vm -k "$image" --with "$tap_dir/tree" -e \
	'cat '"$tap_dir/tree/file"'; pwd; echo wrong >&2; read x || printf "a\000\377"; /bin/sh -c "exit 7"'
is_status 7 'a command: its exit status is the exit status'
is 'a command: its output, all bytes of it' "$(printf 'brought\n/var/tmp\na\000\377' | cksum)" \
	"$(cksum <"$out")"
is 'a command: its errors' wrong "$(cat "$err")"
run timeout 120 "$OOMLAB" vm -k "$image" -m 384M -e 'oomlab size --slow 0 -- oomhog list'
is_status 0 'a command: oomlab itself'
like "$out" '^limit without a kill' 'a command: oomlab itself'
run timeout 120 "$OOMLAB" vm -k "$image" -t 500ms -e 'echo begun; sleep 1000'
is_status 124 'a command that does not end'
like "$out" '^begun$' 'a command that does not end: what it printed'
like "$err" 'did not end within 500ms' 'a command that does not end: says so'
run timeout 120 "$OOMLAB" vm -k "$image" -e 'echo c >/proc/sysrq-trigger; sleep 1000'
is_status 3 'a command that ends the machine'
like "$err" '^oomlab vm: the machine ended .panic: sysrq' 'a command that ends the machine: says so'
run timeout 120 "$OOMLAB" vm -k "$image" -e \
	'echo "Kernel panic - not syncing: a word" >/dev/console; echo b >/proc/sysrq-trigger'
like "$err" '^oomlab vm: the machine ended .reset.' 'a panic that only a program printed is none'
run "$OOMLAB" vm --seed 1 -e true
is_status 2 'a command has no seed'
if command -v gdb >/dev/null; then
	port=$((20000 + $$ % 20000))
	timeout 120 "$OOMLAB" vm -k "$image" --gdb $port --results "$tap_dir/r" \
		global/oom-kill-sysctl-is-gone >"$tap_dir/gdb.out" 2>"$tap_dir/gdb.err" &
	vm=$!
	run timeout 60 gdb -nx -batch -ex "target remote localhost:$port" -ex 'print 6 * 7' -ex detach
	status=0
	wait $vm || status=$?
	like "$out" '= 42$' 'a debugger joins the machine before it runs'
	is_status 0 'and it runs when that leaves'
	like "$tap_dir/gdb.err" "gdb -ex 'target remote localhost:$port'" 'how is said'
else
	skip 'a debugger joins the machine' 'gdb is not installed'
fi

# Interrupted when the first result is there: what was seen is kept.
mkfifo "$tap_dir/lines"
timeout 120 "$OOMLAB" vm -k "$image" -j1 --results "$tap_dir/cut" global >"$tap_dir/lines" 2>"$tap_dir/err" &
vm=$!
{
	while read -r line; do
		case $line in pass*)
			kill -TERM "$vm" # timeout passes it on
			break
			;;
		esac
	done
	cat >"$tap_dir/out"
} <"$tap_dir/lines"
status=0
wait "$vm" || status=$?
is_status 130 'interrupted: its exit status'
like "$tap_dir/out" 'did not run: the run was interrupted$' 'interrupted: says how much is missing'
like "$tap_dir/cut/latest/record.json" '"interrupted": true' 'interrupted: its record is kept'

# Killed when the first result is there: that is kept as well.
"$OOMLAB" vm -k "$image" -j1 --results "$tap_dir/killed" global >"$tap_dir/lines" 2>"$tap_dir/err" &
vm=$!
while read -r line; do
	case $line in pass*) break ;; esac
done <"$tap_dir/lines"
kill -KILL "$vm"
wait "$vm" 2>/dev/null
killed=$(readlink "$tap_dir/killed/latest")
run "$OOMLAB" matrix "$tap_dir/killed"
like "$out" '^ *\(incomplete: [1-9][0-9]* of ' 'killed: a matrix has what was found'
run "$OOMLAB" vm -k "$tap_dir/empty" --results "$tap_dir/killed" $gone
like "$err" "^$tap_dir/killed/$killed$" 'killed: the next call makes its record'
like "$tap_dir/killed/$killed/record.json" '"pass": [1-9]' 'killed: of what was found'
like "$tap_dir/killed/$killed/record.json" '"interrupted": true' 'killed: as one that was cut short'

# Whenever it is killed, no machine lives on.
mark=oomlab.test=$$
machines() {
	cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\0' '\n' | grep -c "[o]${mark#o}"
}
for after in 0.2 0.7 1.5 2.5 4; do
	timeout -s KILL $after "$OOMLAB" vm -k "$image" --append "$mark" --results "$tap_dir/r" \
		global/sysrq-f-nobody global/largest-dies >/dev/null 2>&1
	tries=0
	while [ "$(machines)" -ne 0 ] && [ $tries -lt 200 ]; do tries=$((tries + 1)); done
	is "killed after $after s: no machine is left" 0 "$(machines)"
done
done_testing

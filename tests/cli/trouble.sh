#!/bin/sh
# Trouble while scenarios run: wrong hogs, programs that daemonise or fork without end, strangers in
# the run's groups, signals and kill -9 of each of its processes, machines that lack things. Each
# time: the right verdict or a clear message, and nothing is left. Needs root and control groups.
# shellcheck disable=SC2154,SC2317,SC2013 # variables come from tap.sh, ok calls the functions
. tests/lib/tap.sh

case $OOMLAB in /*) ;; *) OOMLAB=$PWD/$OOMLAB ;; esac
export OOMLAB OOMLAB_STATE="$tap_dir/state"
cd "$tap_dir" || exit 1
out=$tap_dir/out err=$tap_dir/err
mark=77$$ # a duration that no other sleep(1) has

# scenario NAME TASKS STEPS
scenario() {
	printf 'groups: {g: {memory.max: 32M}}\ntasks:\n%s\nsteps:\n%s\n' "$2" "$3" >"$1.yaml"
}
step='  a: {run: step, group: g}'
scenario pass "$step" '  - step: {task: a, size: 1M}
  - expect: {alive: [a]}'
scenario long "$step
  s: {exec: [sleep, '$mark'], group: g}" '  - step: {task: a, size: 1M}
  - expect: {exited: {s: 0}, within: 20s}'

if [ "$(id -u)" -ne 0 ]; then
	echo "1..0 # SKIP not root: tests/cli/trouble.sh makes control groups and namespaces"
	exit 0
fi
run "$OOMLAB" run pass.yaml
if [ "$status" -ne 0 ]; then
	echo "1..0 # SKIP $(head -n 1 "$out")"
	exit 0
fi

prlimit --nofile=63 "$OOMLAB" run pass.yaml >"$out" 2>"$err" || status=$?
is "few open files: exit status" 3 "$status"
like "$err" '^oomlab run: expected to be allowed 64 open files at least, the hard limit is 63:' \
	"few open files: says so"
status=0
prlimit --nofile=10: "$OOMLAB" run pass.yaml >"$out" 2>"$err" || status=$?
is "a soft limit is raised" 0 "$status"

mounts() { awk '$0 ~ / - cgroup2? / && $5 ~ "^/sys/fs/cgroup" { print $5 }' /proc/self/mountinfo; }
# groups NAME-PATTERN: all that there are, in every hierarchy, at most two levels down
groups() {
	mounts | while read -r mount; do
		find "$mount" -maxdepth 3 -type d -name "$1" 2>/dev/null
	done
}
# sleepers: processes of these tests that are still there
sleepers() { grep -lsxz "$mark" /proc/[0-9]*/cmdline; }
# nothing_left WHAT: of the run $pid
nothing_left() {
	is "$1: nothing is left" "" \
		"$(groups "oomlab-$pid-*")$(sleepers)$(find "$OOMLAB_STATE" -name '*.journal' -o -name '*.new')"
}
# until_true COMMAND...: within 10 s
until_true() {
	tries=0
	until "$@" >/dev/null 2>&1; do
		tries=$((tries + 1))
		[ "$tries" -lt 500 ] || return 1
		sleep 0.02 # a shell has no event for this
	done
}
no_groups() { [ -z "$(groups "$1")" ]; }
no_sleepers() { [ -z "$(sleepers)" ]; }
child() { # PID NAME
	for child in $(cat "/proc/$1/task/$1/children"); do
		[ "$(cat "/proc/$child/comm")" != "$2" ] || echo "$child"
	done
}
# runs COMMAND...: as 'run', with its $pid
runs() {
	tap_command=$*
	status=0
	"$@" >"$out" 2>"$err" </dev/null &
	pid=$!
	wait "$pid" || status=$?
}
# begin ARGUMENT...: a run in the background that sleeps in its scenario; $pid. A shell's
# background jobs ignore SIGINT, those of nohup SIGHUP, which oomlab would respect.
begin() {
	env --default-signal=INT,HUP "$OOMLAB" run "$@" >"$out" 2>"$err" </dev/null &
	pid=$!
	tap_command="run $*"
	ok "run $*: is under way" until_true sleepers
}
# ends EXPECTED-STATUS WHAT
ends() {
	status=0
	wait "$pid" || status=$?
	is_status "$1" "$2: exit status $1"
}

# ---- hogs that are none ------------------------------------------------------------------------

for hog in /nonexistent /etc/passwd /tmp; do
	runs env OOMLAB_HOG=$hog "$OOMLAB" run pass.yaml
	is_status 3
	is "OOMLAB_HOG=$hog: one line" 1 "$(cat "$out" "$err" | wc -l)"
	like "$err" "'$hog', given by .OOMLAB_HOG, is missing or of the wrong kind"
done
for hog in /bin/true /bin/cat /bin/sleep "$OOMLAB"; do
	runs env OOMLAB_HOG="$hog" "$OOMLAB" run pass.yaml
	is_status 3
	like "$out" "task 'a': '.*' ended with status [0-9]+ before it was ready" "$hog is no hog"
done
printf '#!/bin/sh\nsetsid sleep %s &\nsetsid sh -c "setsid sleep %s & exit" &\nexit 0\n' \
	"$mark" "$mark" >daemon
printf '#!/bin/sh\nexec sleep %s\n' "$mark" >hang
chmod +x daemon hang
runs env OOMLAB_HOG="$tap_dir/daemon" "$OOMLAB" run pass.yaml
is_status 3 "a hog that daemonises is broken"
runs env OOMLAB_HOG="$tap_dir/hang" "$OOMLAB" run --timeout 100ms pass.yaml
is_status 3 "a hog that says nothing ends at the timeout"
like "$out" "not finished after 'timeout: 100ms'" "and is told"
nothing_left "wrong hogs"

# ---- programs ----------------------------------------------------------------------------------

scenario exec "  a: {exec: [/nonexistent/program], group: g}" '  - expect: {alive: [a]}'
runs "$OOMLAB" run exec.yaml
is_status 3 "a missing program is broken"
like "$out" "task 'a': exec '/nonexistent/program': No such file or directory"

cat >daemons.sh <<END
setsid sleep $mark &
setsid sh -c 'setsid sleep $mark & exit'
(setsid sh -c 'trap "" TERM INT HUP; exec sleep $mark' &)
exit 0
END
scenario daemons "  a: {exec: [sh, '$tap_dir/daemons.sh'], group: g}" '  - expect: {exited: {a: 0}}'
runs "$OOMLAB" run daemons.yaml
is_status 0 "a program that leaves daemons"
nothing_left "a program that leaves daemons"

# shellcheck disable=SC2016 # the shell of the bomb expands it
printf 'bomb() { bomb & bomb & wait; }\nbomb\n' >bomb.sh
scenario bomb "  a: {exec: [sh, '$tap_dir/bomb.sh'], group: g}
  s: {exec: [sleep, '0.3'], group: g}" '  - expect: {exited: {s: 0}}'
sed -i 's/memory.max: 32M/memory.max: 64M, pids.max: 40/' bomb.yaml
runs "$OOMLAB" run bomb.yaml
case $status in
0) pass "a fork bomb is held by pids.max" ;;
77) skip "a fork bomb is held by pids.max" "$(head -n 1 "$out")" ;;
*) fail "a fork bomb is held by pids.max" "$(tap_shown)" ;;
esac
nothing_left "a fork bomb"

# How the harness was started is nothing to its victims.
scenario int "$step" '  - signal: {a: INT}
  - expect: {exited: {a: SIGINT}, within: 2s}'
run sh -c 'trap "" INT PIPE HUP && exec "$OOMLAB" run int.yaml'
is_status 0 "a victim dies of SIGINT though the harness was started with it ignored"

# ---- strangers ---------------------------------------------------------------------------------

scenario second "$step
  s: {exec: [sleep, '1'], group: g}
  t: {exec: [sleep, '$mark'], group: g}" '  - expect: {exited: {s: 0}, within: 5s}'
begin second.yaml
sleep 600 &
stranger=$!
for dir in $(groups "oomlab-$pid-*"); do
	echo $stranger >"$dir/cgroup.procs"
	mkdir "$dir/strange" "$dir/s0/g/strange"
done
ends 0 "a stranger in the run's group"
nothing_left "a stranger in the run's group"
kill $stranger 2>/dev/null

# ---- signals -----------------------------------------------------------------------------------

for signal in INT TERM HUP; do
	begin long.yaml pass.yaml
	kill -$signal "$pid"
	ends 130 "SIG$signal"
	like "$out" '^1 of 2 did not run: the run was interrupted' "SIG$signal: names what is missing"
	nothing_left "SIG$signal"
done

begin long.yaml
kill -STOP "$(child "$pid" oomlab-worker)"
kill -INT "$pid"
kill -TERM "$pid" # two of one kind could be taken for one
ends 130 "a second signal, the worker stopped"
nothing_left "a second signal, the worker stopped"

begin second.yaml
kill -TSTP "$pid"
sleep 0.1 # the time that it is stopped for
kill -CONT "$pid"
ends 0 "SIGTSTP and SIGCONT"
nothing_left "SIGTSTP and SIGCONT"

begin long.yaml pass.yaml
kill -KILL "$(child "$pid" oomlab-worker)"
ends 3 "kill -9 of a worker"
like "$out" "worker was killed by SIGKILL before its verdict" "kill -9 of a worker: is told"
like "$out" '^pass .* pass$' "kill -9 of a worker: the next scenario runs"
nothing_left "kill -9 of a worker"

begin pass.yaml long.yaml
kill -KILL "$pid"
wait "$pid" 2>/dev/null
ok "kill -9 of the harness: its groups go" until_true no_groups "oomlab-$pid-*"
run "$OOMLAB" clean
is_status 0 "clean after kill -9"
nothing_left "kill -9 of the harness"
run "$OOMLAB" matrix results/latest
like "$out" '^ *\(incomplete: 1 of 2\)' "kill -9 of the harness: what it had found is there"
run "$OOMLAB" run pass.yaml
like "$err" '^oomlab: kept what a dead run had found:$' "kill -9 of the harness: the next run keeps it"
killed=$(sed -n '/kept what/{n;p;}' "$err")
is "kill -9 of the harness: its record" '"interrupted": true, "planned": 2, "pass": 1,' \
	"$(grep -oE '"(interrupted|planned|pass)": [^ ]*' "$killed/record.json" | xargs -d '\n')"
ok "kill -9 of the harness: nothing else of it is there" [ ! -e "$killed/record.jsonl" ]

begin long.yaml
guardian=$(child "$pid" oomlab-guardian)
kill -KILL "$guardian"
kill -KILL "$pid"
wait "$pid" 2>/dev/null
ok "kill -9 of guardian and harness: the victims die" until_true no_sleepers
run "$OOMLAB" clean --dry-run
like "$out" "^would remove .*/oomlab-$pid-" "clean --dry-run says what is left"
run "$OOMLAB" clean
like "$out" "^removed .*/oomlab-$pid-" "clean removes it"
nothing_left "clean after kill -9 of guardian and harness"

# ---- --cgroup-parent ---------------------------------------------------------------------------

parent=oomlab-test-parent-$$
made=
for dir in $(mounts); do
	mkdir "$dir/$parent" 2>/dev/null && made="$made $dir/$parent"
done
run "$OOMLAB" run --cgroup-parent "/$parent" pass.yaml
is_status 0 "--cgroup-parent: a run below it"
begin --cgroup-parent "/$parent" long.yaml
ok "its groups are there" test -n "$(groups "oomlab-$pid-*" | grep "/$parent/")"
guardian=$(child "$pid" oomlab-guardian)
kill -KILL "$guardian"
kill -KILL "$pid"
wait "$pid" 2>/dev/null
run "$OOMLAB" clean
is_status 0 "clean finds what is below --cgroup-parent"
nothing_left "below --cgroup-parent"
# Its limit must not be what kills the victims: that would look like the kernel's fault.
limited=no
for dir in $made; do
	for file in memory.max memory.limit_in_bytes; do
		[ ! -w "$dir/$file" ] || { echo 16M >"$dir/$file" && limited=yes; } 2>/dev/null
	done
done
if [ $limited = yes ]; then
	run "$OOMLAB" run --cgroup-parent "/$parent" pass.yaml
	is_status 77 "--cgroup-parent with too small a limit: skipped"
	like "$out" '^skip .*pass: needs 32.0?M of memory; the limits of the groups around leave (16|15[.])'
else
	skip "--cgroup-parent with too small a limit" "the test's parent has no memory controller"
fi
for dir in $made; do rmdir "$dir"; done

# ---- machines that lack things -----------------------------------------------------------------

if ! unshare -m -p -f true 2>/dev/null; then
	skip "machines that lack things" "unshare(1) may not make namespaces here"
	done_testing
fi

# lacking SCRIPT: pass.yaml in a mount namespace changed by the script
lacking() {
	run unshare -m --propagation private sh -c "set -e; $1; exec \"\$OOMLAB\" run pass.yaml"
}
# shellcheck disable=SC2016 # expanded in the namespace
all_groups='awk "\$0 ~ / - cgroup2? / { print \$5 }" /proc/self/mountinfo'
lacking "for dir in \$($all_groups); do umount -l \$dir; done"
is_status 77 "no control groups: skipped"
like "$out" '^skip .*pass: .*(not mounted|no control groups)' "no control groups: says so"
lacking "for dir in \$($all_groups); do mount -o remount,bind,ro \$dir; done"
is_status 77 "read-only control groups: skipped"
like "$out" "^skip .*pass: .*read-only; remount it" "read-only control groups: says so"
lacking 'mount --bind /dev/null /dev/kmsg'
is_status 0 "something else as /dev/kmsg"
lacking 'mount -t tmpfs none /dev; mknod /dev/null c 1 3'
is_status 0 "no /dev/kmsg"
lacking 'umount -l /proc'
is_status 3 "no /proc"
like "$err" 'is /proc mounted' "no /proc: says so"

mkdir full
full='mount -t tmpfs -o size=64k none full; dd if=/dev/zero of=full/fill bs=1k 2>/dev/null || :'
run unshare -m --propagation private sh -c "$full; exec \"\$OOMLAB\" run --results full pass.yaml"
is_status 3 "no space for results"
like "$out" '^pass ' "no space for results: the verdict is told all the same"
like "$err" "the results above are not kept in 'full/.*: cannot write 'record.json': No space left"
run unshare -m --propagation private sh -c "$full; OOMLAB_STATE=$tap_dir/full exec \"\$OOMLAB\" run pass.yaml"
is_status 3 "no space for the journal"
like "$err" 'journal: .*No space left on device \(OOMLAB_STATE names another folder\)'

# A /proc of other pids would tell of strangers' states; groups of those pids are not ours to judge.
run unshare -p -f "$OOMLAB" run pass.yaml
is_status 3 "a pid namespace without its /proc"
like "$err" "'/proc' is of another pid namespace than this process: mount it anew"
begin second.yaml
mkdir other
run unshare -p -f --mount-proc env OOMLAB_STATE="$tap_dir/other" "$OOMLAB" clean
is "clean in a pid namespace leaves groups of pids that it cannot see" "nothing was left behind" \
	"$(cat "$out")"
ends 0 "the run beside it"
run unshare -p -f --mount-proc "$OOMLAB" run pass.yaml
is_status 0 "a run in a pid namespace"
run unshare -C "$OOMLAB" run pass.yaml
is_status 0 "a run in a cgroup namespace"

nothing_left "at the end"
done_testing

#!/bin/sh
# oomlab pack on this machine's groups: programs of which it is known how many fit; shared memory
# counted once; copies that get in each other's way; troubles, each with its one line; nothing is
# left after kill -9 and SIGTERM.
# shellcheck disable=SC2154 # variables come from tap.sh
# shellcheck disable=SC2016 # the copies' shells expand what they are given
. tests/lib/tap.sh

if [ "$(id -u)" -ne 0 ]; then
	echo "1..0 # SKIP not root: tests/integration/pack.sh makes control groups"
	exit 0
fi
export OOMLAB_STATE="$tap_dir/state"
share=$tap_dir/share
if ! ${CC:-cc} -D_GNU_SOURCE -O1 -static -o "$share" tests/fixtures/size/share.c 2>"$tap_dir/cc"; then
	skip "pack" "no static program can be built here"
	done_testing
fi
shm=$(mktemp -d /dev/shm/oomlab-pack.XXXXXX)
trap 'rm -rf "$tap_dir" "$shm"' EXIT
run "$OOMLAB" pack -m 16M --copies 2 -- true
if [ "$status" -eq 3 ]; then
	skip "pack" "$(head -n 1 "$err")"
	done_testing
fi

# field NAME: of the JSON object on $out, its own ones only
field() {
	sed -n "s/^  \"$1\": \(.*[^,]\),*\$/\1/p" "$out"
}

# ---- servers: all hold what they have ----------------------------------------------------------------

# 16 MiB once and 8 of its own each, with page tables and what a process is: 5 in 60 MiB.
run "$OOMLAB" pack -m 60M --for 300ms --json -- "$share" "$shm/file" 16 8
is_status 0 "shared memory"
is "16 MiB once and 8 each: in 60 MiB" 5 "$(field copies)"
is "shared memory: predicted from two" 5 "$(field predicted)"
once=$(field counted_once) each=$(field copy_costs)
ok "counted once: 16 MiB and little more, $once" test "$once" -ge 16777216 -a "$once" -le 18000000
ok "a copy: 8 MiB and little more, $each" test "$each" -ge 8388608 -a "$each" -le 9000000
is "five passed and six did not" "1 1" "$(grep -A 1 '"copies": 5,' "$out" |
	grep -c '"passed": true') $(grep -A 1 '"copies": 6,' "$out" | grep -c '"passed": false')"

run "$OOMLAB" pack -m 40M --for 300ms --repeat 3 -- "$share" "$shm/file" 0 12
like "$out" '^copies in 40M +3$' "--repeat"
like "$out" '^  shown +3 of 3 runs with 3 copies passed, 0 of 1 run with 4 copies passed .killed by the OOM'
like "$out" 'all alive at the end'
run "$OOMLAB" pack -m 40M --for 300ms --copies 2 -- "$share" "$shm/file" 0 12
like "$out" '^copies in 40M +2 or more$' "--copies"
run "$OOMLAB" pack -m 10M --for 300ms -- "$share" "$shm/file" 0 12
is_status 1 "not even one"
like "$out" '^copies in 10M +0$'
like "$err" '^oomlab pack: not even one copy fits; .oomlab size. finds'
run "$OOMLAB" pack -m 1000G --estimate --for 300ms --json -- "$share" "$shm/file" 16 8
ok "--estimate: some 120000, $(field copies)" test "$(field copies)" -ge 100000 -a \
	"$(field copies)" -le 128000

# ---- programs that end ---------------------------------------------------------------------------------

run "$OOMLAB" pack -m 64M --copies 3 -o "$tap_dir/out.{}" --check "test -s $tap_dir/out.{}" -- \
	sh -c 'test $OOMLAB_COPY = {} && echo same >'"$tap_dir"'/out.{} && echo same'
is_status 0 "each copy has its number"
is "three files" "3" "$(find "$tap_dir" -name 'out.[123]' | grep -c .)"
run "$OOMLAB" pack -m 64M --copies 3 -I % -- sh -c 'test $OOMLAB_COPY = %'
is_status 0 "--replace"
run "$OOMLAB" pack -m 64M --copies 2 -- sh -c 'echo $OOMLAB_COPY'
like "$out" 'note: the output of two copies differs without any limit'
run "$OOMLAB" pack -m 64M --copies 2 --check 'test $OOMLAB_COPY = 1' -- true
is_status 1
like "$err" 'copy 2: --check refuses the result'
run "$OOMLAB" pack -m 64M --copies 2 -- sh -c '[ $OOMLAB_COPY = 1 ] || exit 9'
is_status 1 "copies that do not get along"
like "$err" 'without a limit one passes and 2 at once do not: copy 2: exit status 9; do they use'

run "$OOMLAB" pack -m 64M --for 200ms --copies 2 -- sh -c "exec sleep 1000 >>$tap_dir/log"
like "$out" "^note: two copies write '$tap_dir/log': give each a file of its own" "the same file"
run "$OOMLAB" pack -m 64M --for 200ms --copies 2 -- sh -c "exec sleep 1000 >>$tap_dir/log.{}"
ok "files of their own" test "$(grep -c 'two copies write' "$out")" = 0

# ---- trouble -------------------------------------------------------------------------------------------

# trouble STATUS TEXT WORDS...
trouble() {
	trouble_status=$1 trouble_text=$2
	shift 2
	run "$OOMLAB" pack "$@"
	is_status "$trouble_status"
	like "$err" "^oomlab pack: $trouble_text"
}
trouble 2 "there is no program 'nosuch' in " -m 64M -- nosuch
trouble 2 "--memory: no more than .* can be risked here, got 100000G; --estimate" -m 100000G -- true
trouble 1 "without any limit: exit status 3" -m 64M -- sh -c 'echo last words >&2; exit 3'
like "$err" '^last words$'
trouble 1 "somebody killed it .SIGKILL. without any limit" -m 64M -- sh -c 'kill -9 $$'
trouble 1 "without any limit it did not end within 200ms" -m 64M --timeout 200ms -- sleep 1000
trouble 1 "it ended and left processes" -m 64M -- sh -c 'sleep 1000 & exit 0'
trouble 1 "without any limit it ended before its time" -m 64M --for 100s -- true

# leaves NAME EXPECTED WORDS...: into the root of all hierarchies; neither the group's end nor its
# kill reach it there. One alone stays, so that it is pack's own runs that have to see it.
away='cd /sys/fs/cgroup; for h in . memory unified pids; do echo 0 >$h/cgroup.procs; done 2>/dev/null'
leaves() {
	leaves_name=$1 leaves_text=$2
	shift 2
	run timeout -k 1 20 "$OOMLAB" pack -m 64M --json "$@"
	is_status 1 "$leaves_name"
	like "$err" "^oomlab pack: $leaves_text: '(sh|sleep)' has moved into another group .*: what it has" \
		"$leaves_name: said"
	is "$leaves_name: trouble" '"leaves_group"' "$(field trouble)"
	ok "$leaves_name: ended" sh -c '! ps -e -o args | grep -q "^sleep 4712"'
}
leaves "the second copy leaves" "with 2 copies" -- \
	sh -c "[ \$OOMLAB_COPY = 1 ] || { $away; exec sleep 4712; }"
leaves "a child of the second leaves" "with 2 copies" -- \
	sh -c "[ \$OOMLAB_COPY = 1 ] || { ($away; exec sleep 4712) >/dev/null 2>&1 & } ; exit 0"
leaves "a server's third copy leaves, under the limit" "with 3 copies" --for 200ms --copies 3 -- \
	sh -c "[ \$OOMLAB_COPY != 3 ] || { $away; exec sleep 4712; }; exec sleep 4713"

# ---- the end of the harness ------------------------------------------------------------------------------

# starts SIGNAL: packs what says that it has begun and then stays; the signal once two of them run
starts() {
	rm -f "$tap_dir/began.1" "$tap_dir/began.2"
	mkfifo "$tap_dir/began.1" "$tap_dir/began.2"
	"$OOMLAB" pack -m 64M --for 1s -- \
		sh -c "test {} = 2 && echo \$\$ >'$tap_dir/began.2'; exec sleep 1000" \
		>"$out" 2>"$err" </dev/null &
	pid=$!
	read -r inner <"$tap_dir/began.2"
	kill "-$1" $pid
	status=0
	wait $pid 2>"$tap_dir/killed" || status=$?
	"$OOMLAB" clean >"$tap_dir/clean" 2>&1
	is "SIG$1: no group is left" "" "$(find /sys/fs/cgroup -maxdepth 3 -name "oomlab-$pid-*")"
	ok "SIG$1: the copies are gone" test ! -d "/proc/$inner" -o "$(sed -n 's/^State:\t\(.\).*/\1/p' \
		"/proc/$inner/status" 2>"$tap_dir/gone")" = Z
}
starts KILL
starts TERM
is "SIGTERM: exit status" 130 "$status"
like "$err" '^oomlab pack: interrupted'
like "$out" '^ +1 +none  pass' "SIGTERM: what is known is printed"
is "no journal is left" "" "$(find "$OOMLAB_STATE" -name '*.journal')"

done_testing

#!/bin/sh
# oomlab size on this machine's groups: programs whose need is known to the MiB, each way that memory
# gets charged, by ratchet and by bisection; troubles, each with its one line; nothing is left.
# shellcheck disable=SC2154 # variables come from tap.sh
. tests/lib/tap.sh

if [ "$(id -u)" -ne 0 ]; then
	echo "1..0 # SKIP not root: tests/integration/size.sh makes control groups"
	exit 0
fi
export OOMLAB_STATE="$tap_dir/state"
shm=$(mktemp -d /dev/shm/oomlab-size.XXXXXX)
trap 'rm -rf "$tap_dir" "$shm"' EXIT
need=$tap_dir/need
if ! ${CC:-cc} -D_GNU_SOURCE -O1 -static -pthread -o "$need" tests/fixtures/size/need.c \
	2>"$tap_dir/cc"; then
	skip "size" "no static program can be built here"
	done_testing
fi
run "$OOMLAB" size --slow 0 -- "$need" touch 1
if [ "$status" -eq 3 ]; then
	skip "size" "$(head -n 1 "$err")"
	done_testing
fi

# field NAME: of the JSON object on $out, its own ones only
field() {
	sed -n "s/^  \"$1\": \(.*[^,]\),*\$/\1/p" "$out"
}
mib() {
	echo $(($1 * 1048576))
}

# ---- the limit, to the MiB: N and its page tables --------------------------------------------------

for how in touch read populate tmpfs mlock threads children shrug signals vfork; do
	run "$OOMLAB" size --slow 0 --json -- "$need" $how 24
	is_status 0 "$how"
	is "$how: the limit" "$(mib 25)" "$(field limit)"
	is "$how: by the ratchet" '"ratchet"' "$(field engine)"
	like "$out" '"passed": false' "$how: a step less was tried and fails"
done
run "$OOMLAB" size --slow 0 --json --method bisect -- "$need" touch 24
is "bisection says the same" "$(mib 25)" "$(field limit)"
is "bisection is said" '"bisection"' "$(field engine)"

run "$OOMLAB" size --slow 0 --json -- "$need" read 24
if grep -q '"engine": "ratchet"' "$out" && ! grep -q '"probe": true' "$out" &&
	[ ! -d /sys/fs/cgroup/memory ]; then
	skip "only calls that run into the limit are stopped" "cgroup v2 has no such calls"
else
	like "$out" '"probe": true' "only calls that run into the limit are stopped"
fi

run "$OOMLAB" size --slow 0 --step 4M -- "$need" touch 24
like "$out" '^limit without a kill +28.0 MiB$' "--step 4M"
like "$out" '1 of 1 run passed at 27.8 MiB, 0 of 1 run passed at 24.0 MiB'
like "$out" '^  systemd +MemoryHigh=28M MemoryMax=32M'
like "$out" '^made of, at the peak +anon 2[34]\.'
like "$out" 'one: says nothing about how much the need varies'

run "$OOMLAB" size --slow 0 --samples 3 --quantile 0.5 -- "$need" touch 8
like "$out" '^  shown +3 of 3 runs passed at 8.8 MiB, 0 of 1 run passed at 8.0 MiB' "--samples 3"
like "$out" '^  confidence +88 % that at least 50 % of runs pass' "--samples 3: what they are worth"

run "$OOMLAB" size --slow 0 -- /bin/true
like "$out" '^limit without a kill +1.0 MiB or less' "a small program is one step"

# Page cache counts in the peak and not in the limit, and a file that is cut short is seen.
head -c 20000000 /dev/zero >"$tap_dir/in"
run "$OOMLAB" size --slow 0 --json --output-file "$tap_dir/copy" -- \
	dd "if=$tap_dir/in" "of=$tap_dir/copy" bs=1M status=none
is_status 0 "dd"
ok "dd: far below its peak" test "$(field limit)" -le "$(mib 4)"
run "$OOMLAB" size --slow 0 --output-file "$tap_dir/no/such" -- "$need" touch 1
is_status 1 "an output file that is never written"
like "$err" "there is no '.*/no/such' when it has ended" "an output file that is never written: says so"

# What is charged to the first run alone is no need of the command's; what each makes anew is.
run "$OOMLAB" size --slow 0 -- sh -c "[ -e $shm/kept ] || head -c 20000000 /dev/zero >$shm/kept"
is_status 1 "shared memory that the next run finds"
like "$err" "each run finds shared memory that the one before it left \(19.1M" \
	"shared memory that the next run finds: says so"
run "$OOMLAB" size --slow 0 --json -- sh -c "head -c 20000000 /dev/zero >$shm/anew"
ok "shared memory that is made anew counts" test "$(field limit)" -ge "$(mib 20)"

# In all hierarchies: neither the group's end nor its kill reach it there.
# shellcheck disable=SC2016 # the inner shell's $$
run timeout -k 1 20 "$OOMLAB" size --slow 0 --timeout 5s -- sh -c 'cd /sys/fs/cgroup &&
	for h in . memory unified pids; do echo $$ >$h/cgroup.procs; done 2>/dev/null; exec sleep 4711'
is_status 1 "a command that leaves its group"
like "$err" "'sleep' has moved into another group" "that is said"
ok "it is ended there" sh -c '! ps -e -o args | grep -q "^sleep 4711"'

# ---- 32-bit programs ---------------------------------------------------------------------------------

# Their system calls have other numbers, so none is made again: bisection, which the result says.
need32=$tap_dir/need32
if ! ${CC:-cc} -m32 -nostdlib -static -fno-pie -no-pie -fno-stack-protector -O1 -DMIBS=12 \
	-o "$need32" tests/fixtures/size/need32.c 2>"$tap_dir/cc"; then
	skip "32-bit programs" "the compiler makes none: $(head -n 1 "$tap_dir/cc")"
elif ! "$need32"; then
	skip "32-bit programs" "this kernel runs none"
else
	run "$OOMLAB" size --slow 0 --json -- "$need32"
	is_status 0 "32 bits"
	is "32 bits: 12 MiB and its tables" "$(mib 13)" "$(field limit)"
	is "32 bits: engine" '"bisection"' "$(field engine)"
	is "32 bits: why" '"it runs 32-bit programs"' "$(field engine_why)"
	run "$OOMLAB" size --slow 0 --json -- sh -c "$need32 && echo done"
	is "a child of 32 bits" "$(mib 13) \"bisection\" \"it runs 32-bit programs\"" \
		"$(field limit) $(field engine) $(field engine_why)"
	run "$OOMLAB" size --slow 0 --method ratchet -- "$need32"
	like "$out" '^engine +bisection: it runs 32-bit programs$' "32 bits: when the ratchet is asked for"
fi

# ---- needs that vary -------------------------------------------------------------------------------

# Wherever within a MiB a need ends, and with it to the page in another place each time: the limit is
# never one that passes now and then.
for kib in 24576 24832 25088 25344 25600; do
	run "$OOMLAB" size --slow 0 --json -- "$need" about $kib
	limit=$(field limit)
	run "$OOMLAB" sweep --from "$limit" --to "$limit" --points 1 --repeat 8 --format csv -- \
		"$need" about $kib
	is "about $kib KiB: all pass at the limit" 8 "$(tail -n 1 "$out" | cut -d, -f3)"
done

# Several processes at the peak, and what they need depends on which of them are there at once.
run "$OOMLAB" size --slow 0 --json -- "$need" children 24
is "children: passes in a row" 10 "$(field passes_in_a_row)"
if [ "$(nproc)" -gt 1 ]; then
	is "children: three more on half of the CPUs" 3 "$(grep -c '"half_of_cpus": true' "$out")"
	run "$OOMLAB" size --slow 0 -- sh -c "nproc >>$tap_dir/nprocs; exec $need children 24"
	is "there are half as many" "$((($(nproc) + 1) / 2)) $(nproc)" \
		"$(sort -un "$tap_dir/nprocs" | tr '\n' ' ' | sed 's/ $//')"
fi
run "$OOMLAB" size --slow 0 -- "$need" children 24
like "$out" '^  shown +10 of 10 runs passed at 24.8 MiB, 0 of 1 run passed at 24.0 MiB'
like "$out" '^  in a row +10 passes: 95 % confidence that at least 74 % of runs pass there'

# Two whose peaks meet now and then: not below what both need together, and little above.
two="$need touch 24 & $need touch 16; wait"
run "$OOMLAB" size --slow 0 --json -- sh -c "$two"
limit=$(field limit)
ok "two side by side: not below what meets ($limit)" test "$limit" -ge "$(mib 40)"
ok "two side by side: not twice what they differ by ($limit)" test "$limit" -le "$(mib 44)"
run "$OOMLAB" sweep --from "$limit" --to "$limit" --points 1 --repeat 30 --format csv -- sh -c "$two"
is "two side by side: all pass at the limit" 30 "$(tail -n 1 "$out" | cut -d, -f3)"
run "$OOMLAB" size --slow 0 --json -- sh -c "$need touch 24; $need touch 16"
ok "one after the other: the larger one ($(field limit))" test "$(field limit)" -le "$(mib 26)"

# One ratchet run in ten may fail by itself: here the second, followed either way.
cat >"$tap_dir/mishap" <<END
#!/bin/sh
if grep -q '^TracerPid:.[1-9]' /proc/self/status; then
	echo >>"$tap_dir/times"
	case \$(wc -l <"$tap_dir/times") in 2 | 3) exit 7 ;; esac
fi
exec "$need" touch 8
END
chmod +x "$tap_dir/mishap"
run "$OOMLAB" size --slow 0 --json --samples 10 --quantile 0.7 -- "$tap_dir/mishap"
is_status 0 "a ratchet run that fails by itself"
is "it does not take the others with it" '"ratchet"' "$(field engine)"
is "nor does it change the answer" "$(mib 9)" "$(field limit)"

# ---- where BPF is not allowed, every call is stopped ----------------------------------------------------

for how in read tmpfs threads vfork; do
	if command -v setpriv >"$tap_dir/which"; then
		run setpriv --bounding-set=-sys_admin,-bpf,-perfmon "$OOMLAB" size --slow 0 --json \
			-- "$need" $how 24
		is "without BPF: $how" "$(mib 25) \"ratchet\"" "$(field limit) $(field engine)"
	else
		skip "without BPF: $how" "there is no setpriv"
	fi
done

# ---- who sizes itself, and whose output is another one ----------------------------------------------

cat >"$tap_dir/self" <<'END'
#!/bin/sh
for file in /sys/fs/cgroup/memory$(sed -n 's/.*:memory://p' /proc/self/cgroup)/memory.limit_in_bytes \
	/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)/memory.max; do
	[ -r "$file" ] && exec cat "$file"
done
END
chmod +x "$tap_dir/self"
run "$OOMLAB" size --slow 0 --max 16M -- "$tap_dir/self"
if [ -s "$out" ] && grep -q '^engine' "$out"; then
	like "$out" "engine +bisection: '.*' reads its group's limit" "who reads its limit is bisected"
	like "$out" 'note: under a lower limit it ended well with another output' \
		"another output is refused"
else
	fail "who reads its limit" "$(cat "$out" "$err")"
fi

# ---- sweep --------------------------------------------------------------------------------------------

run "$OOMLAB" sweep --from 8M --to 10M --points 3 --repeat 2 --format csv -- "$need" touch 8
is_status 0
is "sweep: from 9 MiB on all runs pass" "8388608,2,0,2 9437184,2,2,0 10485760,2,2,0" \
	"$(tail -n +2 "$out" | cut -d, -f1-4 | tr '\n' ' ' | sed 's/ $//')"
is "sweep: the share that passes" "0.000000 0.223607 0.223607" \
	"$(tail -n +2 "$out" | cut -d, -f9 | tr '\n' ' ' | sed 's/ $//')"
run "$OOMLAB" sweep --from 8M --to 9M --points 2 --format json -- "$need" touch 8
like "$out" '"knee": 9437184'
run "$OOMLAB" sweep --from 8M --to 9M --points 2 -- "$need" touch 8
like "$out" '^ +8.0 MiB +0 of 1 .*1 OOM-killed'
like "$out" '^knee: from 9.0 MiB on'
run "$OOMLAB" sweep --from 9M --max 8M -- true
is_status 2
like "$err" '^oomlab sweep: --from: expected no more than what may be risked here .--max., 8M, got 9M$'
run "$OOMLAB" sweep --from 9M --to 8M -- true
is_status 2

# ---- trouble -----------------------------------------------------------------------------------------

# trouble STATUS TEXT WORDS...
trouble() {
	trouble_status=$1 trouble_text=$2
	shift 2
	run "$OOMLAB" size --slow 0 "$@"
	is_status "$trouble_status"
	like "$err" "^oomlab size: $trouble_text"
}
trouble 2 "expected a command" --
trouble 2 "there is no program 'nosuch' in " -- nosuch
trouble 2 "'/etc/passwd' is no program" -- /etc/passwd
trouble 2 "--step: expected whole pages, at least 256 KiB" --step 4K -- true
trouble 2 "--max: expected at least two steps of 1M, got 2047K" --max 2047K -- true
trouble 2 "--max: no more than .* can be risked here, got 100000G" --max 100000G -- true
trouble 2 "--from: expected no more than it may have .--max., 8M, got 9M" --max 8M --from 9M -- true
trouble 2 "--quantile: expected a number between 0 and 1" --quantile 2 -- true
trouble 2 "--samples are the ratchet's" --samples 2 --method bisect -- true
trouble 2 "--stdin '/nosuch'" --stdin /nosuch -- true
trouble 1 "without any limit: exit status 3" -- sh -c 'echo last words >&2; exit 3'
like "$err" '^last words$'
trouble 1 "without any limit: exit status 2 .it has no terminal" -- sh -c 'read x </dev/tty'
trouble 1 "without any limit: --check refuses" --check false -- true
trouble 1 "somebody killed it .SIGKILL. without any limit" -- sh -c 'kill -9 $$'
trouble 1 "it ended and left processes" -- sh -c 'sleep 1000 & exit 0'
trouble 1 "it needs more than 16.0M" --max 16M -- "$need" touch 24
trouble 1 "without any limit it did not end within 200ms" --timeout 200ms -- sleep 1000
trouble 1 "without any limit it ended before its time" --for 100s -- true
run "$OOMLAB" size --slow 0 --for 100ms -- sleep 1000
is_status 0 "--for: a server is alive at the end of its time"
run "$OOMLAB" size --slow 0 --status 3 -- sh -c 'exit 3'
is_status 0 "--status"

# ---- the end of the harness -------------------------------------------------------------------------

# starts SIGNAL: sizes what says that it has begun and then stays; the signal; its exit status
starts() {
	mkfifo "$tap_dir/began"
	"$OOMLAB" size -- sh -c "echo \$\$ >'$tap_dir/began'; exec sleep 1000" >"$out" 2>"$err" </dev/null &
	pid=$!
	read -r inner <"$tap_dir/began"
	rm "$tap_dir/began"
	kill "-$1" $pid
	status=0
	wait $pid 2>"$tap_dir/killed" || status=$?
	"$OOMLAB" clean >"$tap_dir/clean" 2>&1
	is "SIG$1: no group is left" "" "$(find /sys/fs/cgroup -maxdepth 3 -name "oomlab-$pid-*")"
	ok "SIG$1: the command is gone" test ! -d "/proc/$inner" -o "$(sed -n 's/^State:\t\(.\).*/\1/p' \
		"/proc/$inner/status" 2>"$tap_dir/gone")" = Z
}
starts KILL
starts TERM
is "SIGTERM: exit status" 130 "$status"
like "$err" '^oomlab size: interrupted'

# In the ratchet it is what follows the command that is killed: its BPF programs go with it.
cat >"$tap_dir/held" <<END
#!/bin/sh
if grep -q '^TracerPid:.[1-9]' /proc/self/status; then
	echo \$\$ >"$tap_dir/began"
	exec sleep 1000
fi
exec "$need" touch 8
END
chmod +x "$tap_dir/held"
if ${CC:-cc} -D_GNU_SOURCE -o "$tap_dir/programs" tests/fixtures/size/programs.c 2>"$tap_dir/cc"; then
	mkfifo "$tap_dir/began"
	"$OOMLAB" size --slow 0 -- "$tap_dir/held" >"$out" 2>"$err" </dev/null &
	pid=$!
	read -r inner <"$tap_dir/began"
	loaded=$("$tap_dir/programs" "oomlab_r$pid" "oomlab_e$pid")
	kill -9 $pid
	wait $pid 2>"$tap_dir/killed"
	"$OOMLAB" clean >"$tap_dir/clean" 2>&1
	is "kill -9 in the ratchet: no group is left" "" \
		"$(find /sys/fs/cgroup -maxdepth 3 -name "oomlab-$pid-*")"
	ok "kill -9 in the ratchet: the command is gone" test ! -d "/proc/$inner" -o \
		"$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$inner/status" 2>"$tap_dir/gone")" = Z
	case $loaded in
	2) is "kill -9 in the ratchet: no BPF program is left" 0 \
		"$("$tap_dir/programs" --none "oomlab_r$pid" "oomlab_e$pid")" ;;
	*) skip "kill -9 in the ratchet: no BPF program is left" "loaded here: $loaded" ;;
	esac
else
	skip "kill -9 in the ratchet" "no program that asks for BPF programs can be built here"
fi
is "no journal is left" "" "$(find "$OOMLAB_STATE" -name '*.journal')"

done_testing

#!/bin/sh
# Verdicts under attack: scenarios that must not pass although nearly everything looks right, and
# runs beside each other that must not disturb each other. Needs root and a memory controller.
. tests/lib/tap.sh

mkdir "$tap_dir/s"

# scenario NAME: its body from stdin; every task may use group g (limit 32M)
scenario() {
	{
		echo "name: $1"
		echo "groups: {g: {memory.max: 32M}}"
		echo "within: 200ms"
		cat
	} >"$tap_dir/s/$1.yaml"
}

# verdict NAME WORD REGEX: what the run of all of them said about this one
verdict() {
	if grep -qE "^skip .* $1: " "$out"; then
		skip "$1" "$(grep -E "^skip .* $1: " "$out")"
		return
	fi
	got=$(awk -v name="$1" '/^[a-z]/ {on = $NF == name && !($NF in seen); seen[$NF]} on' "$out")
	case $got in
	"$2 "*) if echo "$got" | grep -qE -e "$3"; then pass "$1: $2, $3"; else
		fail "$1: $2, $3" "$got"; fi ;;
	*) fail "$1: $2, $3" "$got" ;;
	esac
}

scenario late-kill <<'END'
# Nobody waits for what the last step does.
tasks: {a: {run: step, group: g}}
steps:
  - step: {task: a, size: 64M, until: sent}
END
scenario errno-of-killed <<'END'
# A command that killed its task did not end without an error.
tasks: {a: {run: step, group: g}}
steps:
  - step: {task: a, size: 64M, until: dead}
  - expect: {killed: [a], errno: {a: none}}
END
scenario killed-from-outside <<'END'
# The command kills its brother; nobody expects anything of it.
tasks:
  a: {run: step, group: g}
  killer:
    group: g
    spawn: later
    exec:
      - sh
      - -c
      - |
        read -r victim rest </proc/$PPID/task/$PPID/children
        kill -9 $victim
        # until it is reaped
        while kill -0 $victim; do :; done
steps:
  - spawn: [killer]
  - expect: {exited: {killer: 0}, within: 5s}
END
scenario crashed <<'END'
tasks:
  c: {exec: [sh, -c, 'read -r line; kill -SEGV $$'], group: g}
  waiter:
    group: g
    spawn: later
    exec:
      - sh
      - -c
      - |
        read -r first rest </proc/$PPID/task/$PPID/children
        while [ $first != $$ ] && kill -0 $first; do :; done
steps:
  - spawn: [waiter]
  - expect: {exited: {waiter: 0}, within: 5s}
END
scenario forged-line <<'END'
# Anybody who may write /dev/kmsg can write what looks like a kill.
tasks:
  a:
    group: g
    exec: [sh, -c, 'echo "<2>Memory cgroup out of memory: Killed process $$ (sh) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB" >/dev/kmsg; kill -9 $$']
steps:
  - expect: {killed: [a]}
END
scenario stopped-bystander <<'END'
tasks: {h: {run: heartbeat, group: g}}
steps:
  - signal: {h: STOP}
  - expect: {alive: [h]}
END
scenario moved-when-dead <<'END'
tasks:
  a: {exec: ['true'], group: g}
  b: {run: step, group: g}
steps:
  - step: {task: b, size: 4M, times: 4}
  - expect: {alive: [b]}
  - move: {a: g}
END
scenario unseen-notification <<'END'
needs: {memory: v1}
tasks: {a: {run: step, group: g}}
steps:
  - set: {g: {memory.oom_control: disabled}}
  - step: {task: a, size: 64M, until: blocked}
  - expect: {notified: {g: +0}}
END
scenario largest <<'END'
tasks:
  a: {run: step, group: g}
  b: {run: step, group: g}
steps:
  - step: {task: a, size: 16M}
  - step: {task: b, size: 8M}
  - step: {task: b, size: 12M}
  - expect: {killed: [a], alive: [b], counters: {g: {oom_kill: +1}}, within: 5s}
END
scenario claim-that-is-true <<'END'
claim: {says: the larger one dies, truth: false since 2.6.36, here: false}
tasks:
  a: {run: step, group: g}
  b: {run: step, group: g}
steps:
  - step: {task: a, size: 16M}
  - step: {task: b, size: 8M}
  - step: {task: b, size: 12M}
  - decide: {true: {killed: [a], alive: [b]}, false: {killed: [b], alive: [a]}, within: 5s}
END
scenario claim-that-nothing-decides <<'END'
claim: {says: one of the others dies, truth: never, here: false}
tasks:
  a: {run: step, group: g}
  b: {run: step, group: g}
  c: {run: step, group: g}
steps:
  - step: {task: a, size: 64M}
  - decide: {true: {killed: [b]}, false: {killed: [c]}}
END
scenario claim-that-both-sides-fulfil <<'END'
claim: {says: nothing happens, truth: never, here: false}
tasks: {a: {run: step, group: g}}
steps:
  - step: {task: a, size: 1M}
  - decide: {true: {alive: [a]}, false: {touched: {a: 1M}}}
END

run "$OOMLAB" run --results "$tap_dir/r" "$tap_dir/s"
if [ "$status" -eq 77 ]; then
	skip "verdicts" "$(head -n 1 "$out")"
	done_testing
fi
is_status 1
verdict late-kill fail "no kill that no expectation names, got a "
verdict errno-of-killed fail "errno: expected a: none, got a: no answer to its command, killed"
verdict killed-from-outside fail "no end of 'a' that .* got a killed by SIGKILL, but not by"
verdict crashed fail "no end of 'c' that .* got c killed by SIGSEGV"
verdict forged-line fail "got SIGKILL, but not from the OOM killer .*log: no 'Killed process"
verdict stopped-bystander fail "no answer to a ping"
verdict moved-when-dead fail "move: expected a task that runs, got a: exited with 0"
verdict unseen-notification fail "notifications of 'g' \+0, got \+1"
verdict largest pass .
verdict claim-that-is-true fail "claim: expected false here \(false since 2.6.36\), got true: 'the larger"
verdict claim-that-nothing-decides fail "true: killed: expected b, got a "
verdict claim-that-both-sides-fulfil fail "decide: expected one side to hold, got both: "
like "$out" "^claims: 0 false here, 1 true, 2 without an answer; " "claims among much else are counted"
run "$OOMLAB" run --results "$tap_dir/r" "$tap_dir"/s/claim-*.yaml
like "$out" "^the larger one dies +true +false since 2.6.36$" "the table of claims"
like "$out" "^one of the others dies +\? +never$" "no answer is none"

# The kernel prints at most 10 long reports in 5 s; the others are no failures.
mkdir "$tap_dir/log"
cat >"$tap_dir/log/report.yaml" <<'END'
name: report
within: 200ms
groups: {g: {memory.max: 16M}}
tasks: {a: {run: step, group: g}}
steps:
  - step: {task: a, size: 64M, until: dead}
  - expect: {killed: [a], log: {victim: a, constraint: CONSTRAINT_MEMCG, group: g}}
END
run "$OOMLAB" run --results "$tap_dir/r" -r 15 "$tap_dir/log"
like "$out" "^[0-9]+ passed, 0 failed, [1-9][0-9]* skipped, 0 broken" "reports left out are skips"
like "$out" "^skip .*but no long report.*run it again" "and say why"

# Same names, same moment: two runs beside each other, each with several at once.
"$OOMLAB" run --results "$tap_dir/r1" -j 4 -r 8 "$tap_dir/s/largest.yaml" >"$tap_dir/beside" 2>&1 &
run "$OOMLAB" run --results "$tap_dir/r2" -j 4 -r 8 "$tap_dir/s/largest.yaml"
is_status 0 "four at once beside another run"
beside=0
wait $! || beside=$?
is "the other run" "0 $(tail -n 3 "$tap_dir/beside")" "$beside $(tail -n 3 "$tap_dir/beside")"

done_testing

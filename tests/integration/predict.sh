#!/bin/sh
# Predictions and audits on this machine's kernel: what decides is right, what does not decide says
# why, and what is asked to decide and cannot is a skip. Needs root and a memory controller.
. tests/lib/tap.sh

mkdir "$tap_dir/s"

# scenario NAME: its body from stdin
scenario() {
	{
		echo "name: $1"
		echo "needs: {memory: any, swap: none}"
		cat
	} >"$tap_dir/s/$1.yaml"
}

scenario decides <<'END'
# Killed one after the other within one step; the last one is predicted with the first.
groups: {g: {memory.max: 32M}}
tasks:
  large: {run: step, group: g}
  asker: {run: step, group: g}
  bystander: {run: heartbeat, group: g}
steps:
  - step: {task: large, size: 18M}
  - step: {task: asker, size: 48M, until: dead}
  - expect: {killed: [large, asker], order: [large, asker], alive: [bystander], victim: predicted}
END
scenario race <<'END'
groups: {g: {memory.max: 24M}}
tasks:
  racer: {run: blocks, group: g, block: 1M, total: 20M, copies: 2, start: later}
steps:
  - start: "racer-*"
  - expect: {killed: {"racer-*": 1}}
END
scenario race-must-decide <<'END'
groups: {g: {memory.max: 24M}}
tasks:
  racer: {run: blocks, group: g, block: 1M, total: 20M, copies: 2, start: later}
steps:
  - start: "racer-*"
  - expect: {killed: {"racer-*": 1}, victim: predicted}
END
scenario race-behind-the-largest <<'END'
# Whatever the racers do, neither can become as large as who holds more than half.
groups: {g: {memory.max: 32M}}
tasks:
  large: {run: step, group: g}
  racer: {run: blocks, group: g, block: 1M, total: 10M, copies: 2, start: later}
steps:
  - step: {task: large, size: 20M}
  - start: "racer-*"
  - expect: {killed: [large], victim: predicted, alive: ["racer-*"]}
END
scenario any <<'END'
groups: {g: {memory.max: 16M}}
tasks: {a: {run: step, group: g}}
steps:
  - step: {task: a, size: 32M, until: dead}
  - expect: {killed: [a], victim: any}
END
scenario nested <<'END'
# The inner group is full first, then the outer one.
groups: {outer: {memory.max: 32M}, outer/inner: {memory.max: 16M}}
tasks:
  in_large: {run: step, group: outer/inner}
  in_small: {run: step, group: outer/inner}
  out: {run: step, group: outer}
steps:
  - step: {task: out, size: 12M}
  - step: {task: in_large, size: 9M}
  - step: {task: in_small, size: 8M}
  - expect: {killed: [in_large], alive: [in_small, out], victim: predicted}
  - step: {task: out, size: 16M, until: dead}
  - expect: {killed: [out], alive: [in_small], victim: predicted}
END
scenario moved-and-adjusted <<'END'
groups: {g: {memory.max: 24M}, lobby: {memory.max: 24M}}
tasks:
  a: {run: step, group: g}
  b: {run: step, group: g}
  asker: {run: step, group: lobby}
steps:
  - step: {task: a, size: 10M}
  - step: {task: b, size: 6M}
  - oom_score_adj: {b: 400}
  - move: {asker: g}
  - step: {task: asker, size: 9M}
  - expect: {killed: [b], alive: [a, asker], victim: predicted}
END

run "$OOMLAB" run -q -v --results "$tap_dir/r" "$tap_dir/s"
record=$tap_dir/r/latest/record.json

# verdict NAME WORD: of the run of all of them
verdict() {
	got=$(grep -E "^[a-z]+ .* $1(:|\$)" "$out" | head -1)
	case $got in
	skip*needs*) [ "$2" = skip ] || { skip "$1" "$got"; return; } ;;
	esac
	case $got in
	"$2 "*) pass "$1: $2" ;;
	*) fail "$1: $2" "$(grep -A4 -E "^[a-z]+ .* $1(:|\$)" "$out")" ;;
	esac
}

verdict decides pass
verdict race pass
verdict race-must-decide skip
verdict race-behind-the-largest pass
verdict any pass
verdict nested pass
verdict moved-and-adjusted pass

if ! grep -q '^pass .* decides$' "$out"; then
	skip "the rest" "no scenario could be run"
	done_testing
fi

like "$out" '^skip .*race-must-decide: .*victim: expected .*racer-[12] \(pid [0-9]+\): undecidable \(race\)'
like "$out" 'killed: large .*; predicted \(points [0-9]+, margin [0-9]+\)'
like "$out" '  prediction  group=g victim='
like "$out" '^audit: 1?[0-9] kills, [0-9] predicted, 2 undecidable'
is "nothing is predicted wrong" 0 "$(grep -c '"wrong"' "$record")"
is "nothing is left unexplained" 0 "$(grep -c '"unexplained"' "$record")"
done_testing

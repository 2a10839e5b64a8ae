#!/bin/sh
# Replays in virtual machines, in short: the same run again, a run that must be another one, and
# seeds that end differently. 'make test-replay' is the long version. The kernel is that of vm.sh.
. tests/lib/tap.sh
. tests/lib/kernel.sh

for wrong in '--seed 0' '--seeds 5..1' '--seeds 0..3' '--seed 1 --seeds 1..2' \
	'--seed 1 --replay 1' '--shrink'; do
	# shellcheck disable=SC2086 # options
	run "$OOMLAB" vm $wrong --results "$tap_dir/r" limits/three-race
	is_status 2 "$wrong"
done

if ! command -v qemu-system-x86_64 >/dev/null; then
	skip 'replays' 'qemu-system-x86_64 is not installed'
	done_testing
fi
image=$(kernel)
if [ -z "$image" ]; then
	skip 'replays' "no kernel: $(head -n 1 "$tap_dir/why")"
	done_testing
fi

# vm OPTIONS...
vm() {
	run timeout 300 "$OOMLAB" vm -k "$image" --results "$tap_dir/r" "$@"
}

vm -m 256M --replay 42 limits/three-race
is_status 0 'a seed without a record is run twice and is the same'
like "$out" 'same console, same kills, same microseconds' 'and says so'
like "$tap_dir/r/latest/record.json" '"seed": 42' 'the record has the seed'
like "$tap_dir/r/latest/record.json" '"console_sha256": "[0-9a-f]{64}"' 'and the hash of the console'
is 'which is the file'"'"'s' "$(sha256sum <"$tap_dir/r/latest/console.log" | cut -c 1-64)" \
	"$(sed -n 's/.*"console_sha256": "\([0-9a-f]*\)".*/\1/p' "$tap_dir/r/latest/record.json")"

vm -m 300M --replay 42 limits/three-race
is_status 1 'with more memory it is another run'
like "$out" 'not the same run' 'and says so'
like "$out" '--memory: 268435456 there, 314572800 here' 'and why'

run "$OOMLAB" vm --replay "$tap_dir/nothing"
is_status 2 'a record that is not there'

vm -m 256M --seeds 1..4 --format json limits/three-race
is_status 0 'four seeds'
like "$out" '"ran": 4' 'all of them ran'
ok 'and do not all end alike' sh -c "[ \$(grep -c '\"smallest_seed\"' '$out') -gt 1 ]"

# What has nothing to do with the failure goes.
cat >"$tap_dir/fails.yaml" <<'Y'
name: fails
within: 300ms
tags: [shrink]
needs: {vm: yes}
tasks:
  a: {run: heartbeat}
  b: {run: heartbeat}
steps:
  - expect: {alive: [a, b], exited: {b: 0}}
Y
vm -m 256M --seeds 3..4 --shrink "$tap_dir/fails.yaml"
is_status 1 'seeds that fail'
like "$out" '^smaller, fails alike with seed 3 \([0-9]+ machines\): .*/shrunk.yaml$' 'a smaller scenario is said'
shrunk=$(sed -n 's/^smaller.*: //p' "$out")
ok 'what fails is in it' grep -q 'exited: ' "$shrunk"
ok 'what does not matter is not' sh -c "! grep -qE 'a:|alive' '$shrunk'"
again=$(sed -n '/^smaller/{n;s/ *oomlab vm --replay //p;}' "$out")
vm --replay "${again:-none}"
is_status 0 'its record is replayed'
like "$out" '^fail .* fails$' 'and it fails'
done_testing

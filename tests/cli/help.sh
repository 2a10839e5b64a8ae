#!/bin/sh
# The command line itself: help, versions, wrong words, output that does not arrive.
. tests/lib/tap.sh

run "$OOMLAB"
is_status 2
like "$err" '^usage: oomlab COMMAND'
empty "$out"

run "$OOMLAB" --version
is_status 0
like "$out" '^oomlab [0-9]+\.[0-9]+\.[0-9]+'
like "$out" '^libfyaml [0-9.]+.*jansson [0-9.]+.*libseccomp [0-9.]+'

run "$OOMLAB" help
is_status 0
commands=$(sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p' "$out")
for file in harness/cmd/cmd_*.c; do
	name=${file##*/cmd_}
	name=${name%.c}
	like "$out" "^  $name +[A-Za-z]" "help lists '$name' with its summary"
done

cp "$out" "$tap_dir/overview"
run "$OOMLAB" --help
ok "--help is help" cmp "$tap_dir/overview" "$out"

for name in $commands; do
	run "$OOMLAB" "$name" --help
	is_status 0
	like "$out" "^usage: oomlab $name"
	is "$name --help fits 80 columns" "" "$(grep -E '^.{81,}' "$out")"
	cp "$out" "$tap_dir/help"
	run "$OOMLAB" help "$name"
	ok "help $name is $name --help" cmp "$tap_dir/help" "$out"
done

run "$OOMLAB" hlp
is_status 2
like "$err" "^oomlab: unknown command 'hlp', did you mean 'help'\?$"
run "$OOMLAB" help hlp
is_status 2
like "$err" "did you mean 'help'"
run "$OOMLAB" zzzzzzzz
is_status 2
like "$err" "unknown command 'zzzzzzzz'; 'oomlab help' lists"
run "$OOMLAB" --nonsense
is_status 2
like "$err" "unknown option '--nonsense'"
run "$OOMLAB" help --mann
is_status 2
like "$err" "^oomlab help: unknown option '--mann', did you mean '--man'\?$"
run "$OOMLAB" help a b
is_status 2
like "$err" "unexpected argument 'b', expected at most 1"

# Output that cannot be written is told; a reader that has seen enough is no failure.
status=0
"$OOMLAB" help >/dev/full 2>"$err" || status=$?
is "full disk: exit status" 3 "$status"
like "$err" "cannot write to standard output: No space left on device" "full disk: says so"
{ "$OOMLAB" help --man && echo 0 >"$tap_dir/status"; } 2>"$err" | :
is "closed pipe: exit status" 0 "$(cat "$tap_dir/status")"
empty "$err" "closed pipe: says nothing"

done_testing

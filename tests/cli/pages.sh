#!/bin/sh
# Manual pages and completion tell of every option that --help tells of, and are well-formed.
. tests/lib/tap.sh

man=build/man
run "$OOMLAB" help --man
is_status 0
ok "oomlab.1 is what 'help --man' prints" cmp "$man/oomlab.1" "$out"

commands=$("$OOMLAB" help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
run "$OOMLAB" completion bash
is_status 0
cp "$out" "$tap_dir/completion"
for name in $commands; do
	lost_man='' lost_completion=''
	for option in $("$OOMLAB" "$name" --help | sed -n '/^Options:/,/^$/s/^  .*--\([a-z-]*\).*/\1/p'); do
		sed -n "/^\.Ss $name\$/,/^\.S[sh] /p" "$man/oomlab.1" |
			grep -qF -e "Fl \\-$option" || lost_man="$lost_man --$option"
		sed -n "/^	$name)\$/,/;;/p" "$tap_dir/completion" |
			grep -q -e "--${option}[' ]" || lost_completion="$lost_completion --$option"
	done
	is "$name: oomlab(1) has its options" "" "$lost_man"
	is "$name: completion has its options" "" "$lost_completion"
done

for page in "$man"/*.[1-8]; do
	if command -v mandoc >/dev/null; then
		is "${page##*/}: mandoc has no warning" "" "$(mandoc -T lint -W warning "$page")"
	else
		skip "${page##*/}: mandoc has no warning" "mandoc is not installed: apt-get install mandoc"
	fi
done

# complete LINE: what bash would offer at its end, one a line
complete_line() {
	# shellcheck disable=SC2016 # bash expands it
	bash -c '
		. "$1"
		read -ra COMP_WORDS <<<"$2"
		[[ $2 == *" " ]] && COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_oomlab "$3"
		printf "%s\n" "${COMPREPLY[@]}"
	' bash "$tap_dir/completion" "$1" "$OOMLAB"
}

if command -v bash >/dev/null; then
	ok "completion is bash" bash -n "$tap_dir/completion"
	is "completes a command" help "$(complete_line 'oomlab he')"
	is "completes an option" --man "$(complete_line 'oomlab help --ma')"
	is "completes 'help COMMAND'" completion "$(complete_line 'oomlab help comp')"
	is "offers all commands" "$commands" "$(complete_line 'oomlab ')"
else
	skip "completion in bash" "bash is not installed: apt-get install bash"
fi

run "$OOMLAB" completion fish
is_status 2
like "$err" "unknown shell 'fish', expected 'bash'"
run "$OOMLAB" completion
is_status 2
like "$err" "expected the shell's name, 'bash', got nothing"

mkdir -p "$tap_dir/scenarios/limits"
touch "$tap_dir/scenarios/limits/b.yaml" "$tap_dir/scenarios/limits/a.yaml" \
	"$tap_dir/scenarios/limits/notes.txt"
run env OOMLAB_SCENARIOS="$tap_dir/scenarios" "$OOMLAB" completion scenarios
is "scenarios are named as 'run' takes them" "limits
limits/a
limits/b" "$(cat "$out")"

done_testing

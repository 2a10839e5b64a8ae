#!/bin/sh
# Wrong command lines of 'oomlab pack': one line each, exit status 2, nothing is made. Needs no
# privilege.
# shellcheck disable=SC2154 # variables come from tap.sh
. tests/lib/tap.sh

export OOMLAB_STATE="$tap_dir/state"

# wrong TEXT WORDS...
wrong() {
	wrong_text=$1
	shift
	run "$OOMLAB" pack "$@"
	is_status 2
	empty "$out"
	is "one line" "oomlab pack: $wrong_text" "$(cat "$err")"
}
wrong "expected a command, as in: oomlab pack -- sort big" -m 64M
wrong "--memory SIZE is missing: what shall they fit into?" -- true
wrong "there is no program 'nosuch' in \$PATH" -m 64M -- nosuch
wrong "'/etc/passwd' is no program that can be executed" -m 64M -- /etc/passwd
wrong "--stdin '/nosuch': No such file or directory" -m 64M --stdin /nosuch -- true
run "$OOMLAB" pack -m 4X -- true
is_status 2
like "$err" "^oomlab pack: option '-m': '4X' is not a size"
ok "nothing was made" test ! -e "$OOMLAB_STATE"

run "$OOMLAB" pack --help
is_status 0
like "$out" '^usage: oomlab pack .*--memory SIZE -- COMMAND'
like "$out" 'OOMLAB_COPY'

done_testing

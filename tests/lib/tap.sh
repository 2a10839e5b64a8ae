# Helpers of the TAP scripts in tests/cli and tests/integration; sourced, POSIX sh.
# A script calls 'run' and then says what must hold of $status, $out and $err; 'done_testing' at
# its end. Each check is one test; a failing one prints what was expected and what was got.
# shellcheck shell=sh disable=SC2016 # quotes in what is said are no quotes

tap_n=0
tap_bad=0
tap_dir=$(mktemp -d) || exit 1
trap 'rm -rf "$tap_dir"' EXIT
OOMLAB=${OOMLAB:-build/oomlab}

# run COMMAND...: keeps its exit status in $status, what it printed in files $out and $err
run() {
	tap_command=$*
	out=$tap_dir/out err=$tap_dir/err
	status=0
	"$@" >"$out" 2>"$err" </dev/null || status=$?
}

pass() {
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1"
}

# fail NAME [DETAIL...]: each detail on its own line
fail() {
	tap_n=$((tap_n + 1))
	tap_bad=$((tap_bad + 1))
	echo "not ok $tap_n - $1"
	shift
	for tap_detail; do
		printf '%s\n' "$tap_detail" | sed 's/^/#   /'
	done
}

# skip NAME REASON; OOMLAB_NO_SKIP=1 makes it a failure
skip() {
	if [ "${OOMLAB_NO_SKIP:-}" = 1 ]; then
		fail "$1" "OOMLAB_NO_SKIP=1, but: $2"
	else
		tap_n=$((tap_n + 1))
		echo "ok $tap_n - $1 # SKIP $2"
	fi
}

# ok NAME COMMAND...: holds when the command succeeds
ok() {
	tap_name=$1
	shift
	if "$@" >"$tap_dir/ok" 2>&1; then
		pass "$tap_name"
	else
		fail "$tap_name" "failed: $*" "$(head -n 20 "$tap_dir/ok")"
	fi
}

# is NAME EXPECTED GOT
is() {
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1" "expected: $2" "got:      $3"
	fi
}

tap_shown() {
	printf 'command: %s\nstdout: %s\nstderr: %s' "$tap_command" "$(head -c 2000 "$out")" \
		"$(head -c 2000 "$err")"
}

# is_status N [NAME]
is_status() {
	if [ "$status" -eq "$1" ]; then
		pass "${2:-$tap_command: exit status $1}"
	else
		fail "${2:-$tap_command: exit status $1}" "expected: $1" "got:      $status" "$(tap_shown)"
	fi
}

# like FILE REGEX [NAME]: some line of the file matches the extended regular expression
like() {
	if grep -qE -e "$2" "$1"; then
		pass "${3:-$tap_command: says '$2'}"
	else
		fail "${3:-$tap_command: says '$2'}" "$(tap_shown)"
	fi
}

# empty FILE [NAME]
empty() {
	if [ ! -s "$1" ]; then
		pass "${2:-$tap_command: ${1##*/} is empty}"
	else
		fail "${2:-$tap_command: ${1##*/} is empty}" "$(tap_shown)"
	fi
}

done_testing() {
	echo "1..$tap_n"
	[ "$tap_bad" -eq 0 ]
	exit
}

#!/bin/sh
# ./quickstart with dpkg, apt, sudo and make replaced by recorders: what it would install, when it
# keeps quiet, and that make's exit status comes through. Nothing is installed or built.
# shellcheck disable=SC2016 # what is quoted is expanded by the stand-ins
. tests/lib/tap.sh

bin=$tap_dir/bin
log=$tap_dir/log
mkdir "$bin"
for tool in sh env sed tr grep dirname nproc cat; do
	ln -s "$(command -v $tool)" "$bin/$tool"
done

# tool NAME SCRIPT: a stand-in that logs its call
tool() {
	printf '#!/bin/sh\necho "%s $*" >>"%s"\n%s\n' "$1" "$log" "$2" >"$bin/$1"
	chmod +x "$bin/$1"
}

# shellcheck disable=SC2120 # the arguments are quickstart's
quickstart() {
	: >"$log"
	run env PATH="$bin" ./quickstart "$@"
}

packages=$(sed 's/#.*//' packages.txt packages-test.txt | tr -s ' \t\n' ' ')
tool make 'exit 0'
tool apt-get 'exit 0'
tool id 'echo 0'

# dpkg-query prints nothing of a package that it has never heard of
tool dpkg-query 'shift 3; for p; do echo "installed $p"; done'
quickstart
is_status 0
empty "$out" "all installed: silent"
empty "$err" "all installed: no message"
is "all installed: only make is called" "make -j$(nproc) run" "$(grep -E '^(make|apt-get|sudo) ' "$log")"
quickstart test
is "'test' makes test" "make -j$(nproc) test" "$(grep '^make' "$log")"
run env PATH="$bin" sh -c "cd / && '$PWD/quickstart' test"
is_status 0 "works from any folder"

tool make 'exit 2'
quickstart test
is_status 2 "make's exit status comes through"
tool make 'exit 0'

tool dpkg-query 'shift 3; for p; do
	case $p in
	check) ;;
	make) echo "config-files $p" ;;
	*) echo "installed $p" ;;
	esac
done; exit 1'
quickstart
is "what tests need is for tests" "apt-get update -q
apt-get install -q -y --no-install-recommends make" "$(grep '^apt-get' "$log")"
quickstart test
is_status 0
is "missing ones are installed, removed ones too" "apt-get update -q
apt-get install -q -y --no-install-recommends make check" "$(grep '^apt-get' "$log")"
like "$err" '^quickstart: installing make check' "says what it installs"
like "$log" '^make -j' "and goes on with make"

tool apt-get 'exit 100'
quickstart test
is_status 100 "apt's failure ends it"
is "without make" "" "$(grep '^make' "$log")"
tool apt-get 'exit 0'

tool id 'echo 1000'
quickstart test
is_status 1
like "$err" 'not root and no sudo' "no sudo: says so"
like "$err" '^  check$' "no sudo: names what is missing"
is "no sudo: nothing installed" "" "$(grep '^apt-get' "$log")"
tool sudo 'exec "$@"'
quickstart test
is "with sudo: installs through it" "sudo apt-get update -q" "$(grep '^sudo' "$log" | head -n 1)"

rm "$bin/apt-get" "$bin/dpkg-query"
tool pkg-config 'exit 1'
quickstart test
is_status 1
like "$err" 'has no apt' "no apt: says so"
for package in $packages; do
	like "$err" "^  $package$" "no apt: names $package"
done
tool pkg-config 'exit 0'
quickstart test
is_status 0 "no apt, but all there: builds"
empty "$err" "no apt, but all there: silent"

for words in 'foo' 'test test' 'run' '--help'; do
	# shellcheck disable=SC2086 # words
	quickstart $words
	is_status 2 "quickstart $words: usage"
	empty "$log" "quickstart $words: nothing was called"
done

done_testing

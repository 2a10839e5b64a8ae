#!/bin/sh
# oomlab matrix: which records, which scenarios, formats, the baseline and exit statuses. The
# fixtures are trimmed records of 'oomlab vm' on four machines.
# shellcheck disable=SC2154 # out, err and status come from tap.sh
. tests/lib/tap.sh

now=tests/fixtures/matrix/now base=tests/fixtures/matrix/base

run "$OOMLAB" matrix $now
is_status 0
is "the table" "                               5.10        6.1   7.3
                               v1    v2    v2    v2
claims
  mlock-protects               fail  fail  pass  pass
  v2-cannot-disable            skip  pass  pass  pass
limits
  exact-to-the-page[limit=8M]  pass  pass  fail  fail
  limit-kills-largest          pass  pass  pass  pass
  three-race                   pass  pass  pass  pass
score
  all-protected                skip  skip  pass  pass" "$(sed '/^$/,$d' "$out")"
like "$out" '^  6\.1\.0-56-cloud-amd64, x86_64, cgroup v2: 5 pass, 1 fail; [0-9TZ]+-vm$'
like "$out" '^6 scenarios, 5 not the same in all columns$'
like "$out" '^ +6\.1/v2, 7\.3/v2 +5\.10/v1, 5\.10/v2$' "records stand side by side"
like "$out" '^killed +locker +locker, other$'
like "$out" '^26:17 touched +hog: 2015 pages \(8060K\), +fails: hog: 2009 pages$'
like "$out" '^from event 2 +predict task=hog pages=2015 +predict task=hog pages=2008$'
like "$out" '^Not on 5\.10/v1, 5\.10/v2$'
like "$out" '^  needs kernel >=5\.16; here is 5\.10'
is "no line is wider than 80 columns" "" "$(grep -E '^.{81,}' "$out")"
is "no escape codes into a pipe" 0 "$(grep -c "$(printf '\033')" "$out")"
run "$OOMLAB" matrix --colour always $now
like "$out" "$(printf '\033')\\[1;31mfail" "--colour always"
run "$OOMLAB" matrix --width 40 $now
is "--width 40 holds" "" "$(grep -E '^.{41,}' "$out")"

# Scenarios: by name, pattern, suite and tag.
run "$OOMLAB" matrix --table $now three-race 'mlock-*' score
is_status 0
is "chosen by name" "all-protected mlock-protects three-race" \
	"$(sed -n 's/^  \([a-z-]*\) .* pass$/\1/p' "$out" | sort | xargs)"
run "$OOMLAB" matrix --table -f limits -f '!race' $now
is_status 0
is "chosen by suite and tag" "exact-to-the-page[limit=8M] limit-kills-largest" \
	"$(sed -n 's/^  \([a-z][^ ]*\) .*  [a-z]*$/\1/p' "$out" | sort | xargs)"
run "$OOMLAB" matrix --table --changed $now limits/limit-kills-largest three-race
is "--changed leaves out what is alike" 0 "$(grep -c limit-kills-largest "$out")"
like "$out" '^  three-race '
run "$OOMLAB" matrix $now three-rcae
is_status 2
like "$err" "'three-rcae' is no file or folder, and no scenario of these records"
run "$OOMLAB" matrix -f nothing $now
is_status 2
like "$err" 'no scenario of these records is left by the filters'

# Records.
run "$OOMLAB" matrix $now/6.1-v2.json $now $now/7.3-v2.json
is_status 0
like "$out" '^  20261128T002447Z-vm$' "a record that is named twice counts once"
mkdir -p "$tap_dir/results/run" "$tap_dir/empty" "$tap_dir/bad"
cp $now/6.1-v2.json "$tap_dir/results/run/record.json"
ln -s run "$tap_dir/results/latest"
case $OOMLAB in /*) program=$OOMLAB ;; *) program=$PWD/$OOMLAB ;; esac
run sh -c "cd '$tap_dir' && exec '$program' matrix --table --merge sum"
is_status 0 "without words: ./results"
like "$out" '^  three-race +pass$' "'latest' is no second run"
run sh -c "cd '$tap_dir/empty' && exec '$program' matrix"
is_status 2
like "$err" "no records were named, and: cannot open 'results': No such file"
run "$OOMLAB" matrix "$tap_dir/empty"
is_status 3
like "$err" "no record of a run in folder '.*/empty'"
head -c 3000 $now/6.1-v2.json >"$tap_dir/bad/record.json"
run "$OOMLAB" matrix $now "$tap_dir/bad"
is_status 3
like "$err" 'bad/record.json:[0-9]+:[0-9]+: not JSON'
empty "$out" "no half table"

# Repeated runs.
cp $now/6.1-v2.json "$tap_dir/again.json"
run "$OOMLAB" matrix --table --merge sum $now/6.1-v2.json "$tap_dir/again.json" limits
like "$out" '^  limit-kills-largest +2/2$' "--merge sum adds up"
run "$OOMLAB" matrix --table --merge none $now/6.1-v2.json "$tap_dir/again.json" limits
like "$out" '^ +6\.1#1  6\.1#2$' "--merge none: a column each"

# The baseline.
run "$OOMLAB" matrix --baseline $base $now
is_status 1
like "$out" '^regression: claims/mlock-protects on 5\.10/v2: pass before, fail now$'
like "$out" '^ +baseline, 6\.1\.0-55-cloud-amd64 +now, 6\.1\.0-56-cloud-amd64$'
like "$out" '^newly skipped on 5\.10/v2: needs kernel >=5\.16; here is 5\.10'
like "$out" '^vanished from 6\.1/v2$'
like "$out" '^    limits/limit-zero$'
like "$out" '^  7\.3/v2: the baseline has nothing like it$'
like "$out" '^2 regressions, 1 newly skipped, 1 vanished, 4 new$'
run "$OOMLAB" matrix --baseline $base $now/5.10-v2.json score
is_status 0 "a new skip is no regression"
like "$out" '^newly skipped on 5\.10/v2'
run "$OOMLAB" matrix --strict --baseline $base $now/5.10-v2.json score
is_status 1 "--strict: it is"
run "$OOMLAB" matrix --baseline "$now" "$now"
is_status 0 "nothing is worse than itself"
like "$out" '^nothing changed$'
run "$OOMLAB" matrix --baseline "$tap_dir/none" $now
is_status 2
like "$err" "^oomlab matrix: --baseline: cannot open '.*/none': No such file or directory$"
run "$OOMLAB" matrix --baseline "$tap_dir/bad" $now
is_status 3
like "$err" '^oomlab matrix: --baseline: .*not JSON'

run "$OOMLAB" matrix --save "$tap_dir/kept/" $now
is_status 0
run "$OOMLAB" matrix --strict --baseline "$tap_dir/kept" $now
is_status 0 "what was saved is a baseline"
like "$out" '^nothing changed$'
is "one record a column" "5.10-v1 5.10-v2 6.1-v2 7.3-v2" \
	"$(cd "$tap_dir/kept" && echo */record.json | sed 's,/record.json,,g')"
mkdir "$tap_dir/two"
cp $now/6.1-v2.json "$tap_dir/two/whole.json"
sed 's/"began_unix_ns": *\([0-9]*\)[0-9]/"began_unix_ns": \19/; s/"name": *"[a-z_]*\//&later-/' \
	$now/6.1-v2.json >"$tap_dir/two/later.json"
run "$OOMLAB" matrix --save "$tap_dir/both" "$tap_dir/two"
is_status 0
is "all records of a column" "6.1-v2 6.1-v2-2" "$(cd "$tap_dir/both" && echo *)"
run "$OOMLAB" matrix --strict --baseline "$tap_dir/both" "$tap_dir/two"
is_status 0
like "$out" '^nothing changed$'
is "without events" 0 "$(grep -c '"event"' "$tap_dir/kept/6.1-v2/record.json")"
run "$OOMLAB" matrix --save /dev/null/x $now
is_status 3
like "$err" '^oomlab matrix: --save: '

# Other formats.
run "$OOMLAB" matrix --format markdown --baseline $base $now
is_status 1
like "$out" '^\| scenario \| 5\.10/v1 \| 5\.10/v2 \| 6\.1/v2 \| 7\.3/v2 \|$'
like "$out" '^\| limits/exact-to-the-page\\\[limit=8M\\\] \| pass \| pass \| \*\*fail\*\* \| \*\*fail\*\* \|$'
like "$out" '^<details><summary>limits/exact-to-the-page\[limit=8M\]: 6\.1/v2, 7\.3/v2</summary>$'
like "$out" '^\* \*\*regression: claims/mlock-protects on 5\.10/v2: pass before, fail now\*\*$'
run "$OOMLAB" matrix --format json --baseline $base $now
is_status 1
if command -v perl >/dev/null; then
	is "the JSON is JSON" "4 6 fail locker, other regression" \
		"$(perl -MJSON::PP -e 'local $/; my $m = decode_json(<>); my $r = $m->{rows}[0];
		print join(" ", scalar @{$m->{columns}}, scalar @{$m->{rows}},
		$r->{cells}{"5.10/v2"}{state}, $r->{cells}{"5.10/v2"}{killed},
		$m->{baseline}{changes}[0]{change})' "$out")"
else
	skip "the JSON is JSON" "perl is not installed"
fi
run "$OOMLAB" matrix --format html $now
is_status 2
run "$OOMLAB" matrix --width 99999 $now
is_status 2

for words in '' '--format json'; do
	status=0
	# shellcheck disable=SC2086 # words
	"$OOMLAB" matrix $words $now >/dev/full 2>"$err" || status=$?
	is "matrix $words to a full disk: exit status" 3 "$status"
done

done_testing

#!/bin/sh
# 'oomlab curve' without privilege: what it says is to be expected, wrong files and wrong command
# lines, one line each; nothing is made.
# shellcheck disable=SC2154 # variables come from tap.sh
. tests/lib/tap.sh

export OOMLAB_STATE="$tap_dir/state"

case $OOMLAB in /*) ;; *) OOMLAB=$PWD/$OOMLAB ;; esac
cd "$tap_dir" || exit 1
printf 'time,bytes\n00:00,10M\n12:00,60M\n' >day.csv
printf 'time,web,cache\n0,10M,90M\n12h,60M,90M\n' >two.csv

# ---- what is to be expected ------------------------------------------------------------------------

run "$OOMLAB" curve --dry-run --limit 120M --csv day.csv --leak 1M/h
is_status 1 "it will die"
like "$out" '^to be expected +day 3, 1[01]:[0-9][0-9]: day$'
run "$OOMLAB" curve -n -l 120M day.csv
is_status 0 "without a leak it will not"
like "$out" '^to be expected +nobody dies; the most is 60\.[01] MiB, on day 1, 1[12]:'
run "$OOMLAB" curve -n -l 120M --days 1 day.csv --leak 1M/h
is_status 0 "not on the first day"
run "$OOMLAB" curve -n -l 140M two.csv
is_status 1 "two columns are two roles"
like "$out" '^limit +140\.0 MiB; web, cache$'
like "$out" '^to be expected +day 1, 0[0-9]:[0-9][0-9]: cache$'
run "$OOMLAB" curve -n -l 140M two.csv --adj web=600
like "$out" '^to be expected +day 1, 0[0-9]:[0-9][0-9]: web$' "oom_score_adj decides"
run "$OOMLAB" curve -n -l 140M a=day.csv b=day.csv --leak a=1M/h --leak b=2M/h --json
like "$out" '"role": "b"'
like "$out" '"dies": true'

# ---- mistakes --------------------------------------------------------------------------------------

# wrong TEXT WORDS...
wrong() {
	wrong_text=$1
	shift
	run "$OOMLAB" curve "$@"
	is_status 2
	empty "$out"
	is "one line" "oomlab curve: $wrong_text" "$(cat "$err")"
}
wrong "--limit SIZE is missing" day.csv
wrong "expected a CSV file, rows of time,bytes" -l 64M
wrong "cannot open 'nosuch.csv': No such file or directory" -l 64M nosuch.csv
wrong "two roles are 'day'; ROLE=FILE gives another name" -l 64M day.csv day.csv
wrong "--leak: '12M' is not a leak, expected a size and one of /s /m /h /d such as 12M/h" \
	-l 64M day.csv --leak 12M
wrong "--leak: whose? there are 2 roles, as in --leak web=1M/h" -l 64M two.csv --leak 1M/h
wrong "--adj: there is no role 'db'" -l 64M two.csv --adj db=1
printf '0,1M\nnoon,2M\n' >bad.csv
wrong "'bad.csv': line 2: 'noon' is not a time, expected such as 06:30, 6h, 23400 (seconds) or \
2026-11-28T06:30:00" -l 64M bad.csv
printf '0,1M\n1h,2X\n' >bad.csv
run "$OOMLAB" curve -l 64M bad.csv
is_status 2
like "$err" "^oomlab curve: 'bad.csv': line 2: '2X' is not a size"
: >empty.csv
wrong "'empty.csv': no row has a time and bytes in column 1, expected such as 06:30,80M" -l 64M \
	empty.csv
printf '\357\273\277time,bytes\r\n2026-02-28T00:00Z,1M\r\n2026-02-30T00:00Z,2M\r\n' >feb.csv
wrong "'feb.csv': line 3: '2026-02-30T00:00Z' is not a time, expected such as 06:30, 6h, 23400 \
(seconds) or 2026-11-28T06:30:00" -l 64M feb.csv
printf '0,1M\n1h,\0002M\n' >zero.csv
wrong "'zero.csv': expected text, got a byte of 0 at 8" -l 64M zero.csv
printf '\357\273\2770,10M,90M\r12h,60M,90M\r' >mac.csv
run "$OOMLAB" curve -n -l 140M mac.csv
like "$out" '^limit +140\.0 MiB; mac\.1, mac\.2$' "BOM, no names, CR alone"
# Over the end of summer time: the row comes six hours after the first, not five.
printf '2026-10-25T00:00+02:00,10M\n2026-10-25T05:00+01:00,70M\n' >dst.csv
run "$OOMLAB" curve -n -l 40M dst.csv
like "$out" '^to be expected +day 1, 0[23]:[0-9][0-9]: dst$'
printf '0,1M\n' >one.csv
run "$OOMLAB" curve -n -l 64M one.csv --leak 99999T/s
is_status 1
like "$out" '^to be expected +day 1, 00:00: one$' "a leak beyond all numbers"
ok "nothing was made" test ! -e "$OOMLAB_STATE"

done_testing

#!/bin/sh
# 'oomlab hog': finds oomhog and becomes it; a missing one is told with the places looked at.
. tests/lib/tap.sh

printf '#!/bin/sh\necho "hog: $*"\nexit 7\n' >"$tap_dir/oomhog"
chmod +x "$tap_dir/oomhog"
run env OOMLAB_HOG="$tap_dir/oomhog" "$OOMLAB" hog blocks --block 64M -- -x --help
is_status 7 "the hog's exit status is passed on"
is "words are passed on untouched" "hog: blocks --block 64M -- -x --help" "$(cat "$out")"

run env OOMLAB_HOG="$tap_dir/nothing" "$OOMLAB" hog list
is_status 3
like "$err" "'$tap_dir/nothing', given by \\\$OOMLAB_HOG, is missing"

cp "$OOMLAB" "$tap_dir/oomlab"
rm "$tap_dir/oomhog"
run env -u OOMLAB_HOG PATH=/nonexistent "$tap_dir/oomlab" hog list
is_status 3
like "$err" "^oomlab hog: cannot find the program 'oomhog': not at '$tap_dir/oomhog',.*run make"

mkdir "$tap_dir/bin"
printf '#!/bin/sh\necho from PATH\n' >"$tap_dir/bin/oomhog"
chmod +x "$tap_dir/bin/oomhog"
run env -u OOMLAB_HOG PATH="$tap_dir/bin:$PATH" "$tap_dir/oomlab" hog list
is "found in PATH" "from PATH" "$(cat "$out")"

run env -u OOMLAB_HOG "$OOMLAB" hog list
is_status 0 "the oomhog beside oomlab is found"
for file in workloads/wl_*.c; do
	name=$(echo "${file##*/wl_}" | sed 's/\.c$//; s/_/-/g')
	like "$out" "^ *$name( |$)" "'hog list' names $name"
done

done_testing

#!/bin/sh
# Holds what each module includes (by the compiler's own -MM list, headers of headers included)
# against the arrows of docs/architecture.md. Prints TAP.
# shellcheck disable=SC2086 # lists of words
harness='scenario record search oomlog input plan judge vm report exec size curve guest'

allowed() {
	case $1 in
	harness/cmd) echo cgroups workloads; for m in $harness; do echo harness/$m; done ;;
	harness/exec) echo cgroups workloads harness/plan harness/oomlog harness/record \
		harness/judge harness/scenario ;;
	harness/size) echo cgroups harness/exec harness/record ;;
	harness/curve) echo cgroups workloads harness/plan harness/oomlog harness/record \
		harness/judge harness/scenario harness/exec harness/size ;;
	harness/plan) echo cgroups workloads harness/scenario harness/record harness/judge \
		harness/oomlog ;;
	harness/judge) echo harness/scenario harness/record harness/oomlog ;;
	harness/report) echo harness/record harness/oomlog ;;
	harness/vm) echo harness/record harness/input ;;
	harness/guest) echo cgroups harness/exec harness/record harness/vm ;;
	esac
}

n=0 status=0
for module in base cgroups workloads harness/*; do
	files=$(find $module -maxdepth 1 -name '*.[ch]')
	[ -n "$files" ] || continue
	n=$((n + 1))
	includes=$(${CC:-cc} -MM -MG -D_GNU_SOURCE -I. -Ibuild/gen $files) ||
		{ echo "not ok $n - $module: the compiler cannot list its includes"; status=1; continue; }
	used=$(echo "$includes" | tr -s '\134[:space:]' '\n' |
		sed -n 's,^\(base\|cgroups\|workloads\|tests\|harness/[a-z]*\)/.*,\1,p' | sort -u)
	ok=' base '$module' '$(allowed $module | tr '\n' ' ')
	wrong=
	for other in $used; do
		case $ok in *" $other "*) ;; *) wrong="$wrong $other" ;; esac
	done
	if [ -z "$wrong" ]; then
		echo "ok $n - $module uses:" $used
	else
		echo "not ok $n - $module must not use:$wrong"
		status=1
	fi
done
echo "1..$n"
exit $status

#!/bin/sh
# The catalogue on KERNELS and cgroup versions CGROUPS in virtual machines, and the matrix of it held
# against BASELINE where that is there; records below RESULTS (build/matrix). Three boots each: the
# catalogue, what needs a larger machine, and what needs two NUMA nodes. Arguments are options and
# scenarios for 'oomlab vm'; with scenarios among them there is one boot each.
# What fails on some kernel is the matrix's to judge where there is a baseline; what broke (3) is not.
results=${RESULTS:-build/matrix} baseline=${BASELINE:-results/baseline} worst=0
large='limits/block-size stress-ng/percent-is-of-the-machine'
numa='global/cpuset-bound global/mempolicy-bound global/mempolicy-unbound-pays'

# Options and scenarios. 77, all were skipped, is no failure; of the others 3 is the worst.
boot() {
	status=0
	# shellcheck disable=SC2086 # a list of options
	"$OOMLAB" vm $kernels --cgroup="${CGROUPS:-v1,v2}" --results="$results" "$@" ||
		status=$?
	case $status in
	0 | 77) ;;
	1 | 3) [ $status -lt $worst ] || worst=$status ;;
	*) exit $status ;;
	esac
}

kernels=
for kernel in ${KERNELS:-debian:5.10 debian:6.1 debian:6.12 debian:7.3}; do
	kernels="$kernels --kernel=$kernel"
done
rm -rf "$results"
boot "$@"
if [ $# -eq 0 ]; then
	# shellcheck disable=SC2086 # lists of names
	{
		boot --memory=1536M $large
		boot --numa=2 $numa
	}
fi

judged=0
if [ -d "$baseline" ]; then
	"$OOMLAB" matrix --baseline "$baseline" "$results" || judged=$?
	[ $worst -ne 3 ] || exit 3
	exit $judged
fi
"$OOMLAB" matrix "$results" || exit $?
exit $worst

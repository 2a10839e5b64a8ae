/*
 * See advice.h. What each line means: systemd.resource-control(5), Kubernetes "Resource units"
 * (Mi is 1024 * 1024), docker-run(1) (m likewise; --memory-swap is memory and swap together).
 */
#include "harness/size/advice.h"

enum { MIB = 1 << 20, LEAST_MIB = 4 };

static uint64_t mib_up(uint64_t bytes)
{
	return (bytes + MIB - 1) / MIB;
}

struct advice advice_of(uint64_t limit_bytes, uint64_t slow_bytes, bool varies)
{
	uint64_t part = limit_bytes / (varies ? 5 : 10);
	uint64_t least = (uint64_t)LEAST_MIB * MIB;
	uint64_t max = mib_up(limit_bytes + (part > least ? part : least));
	uint64_t high = mib_up(slow_bytes > limit_bytes ? slow_bytes : limit_bytes);

	if (slow_bytes > limit_bytes && mib_up(slow_bytes) > max)
		max = mib_up(slow_bytes);
	return (struct advice){.max_bytes = max * MIB,
			       .high_bytes = (high < max ? high : max) * MIB};
}

const char *advice_rule(bool varies)
{
	return varies ? "20 % (at least 4 MiB) above the limit found, since the need varies; at "
			"least the limit without a slow-down"
		      : "10 % (at least 4 MiB) above the limit found; at least the limit without a "
			"slow-down";
}

void advice_lines(const struct advice *advice, struct str *out)
{
	unsigned long long max = advice->max_bytes / MIB, high = advice->high_bytes / MIB;
	unsigned long long swap = mib_up(advice->swap_bytes);
	bool all = advice->swap_bytes == UINT64_MAX;

	str_addf(out, "systemd\tMemoryHigh=%lluM MemoryMax=%lluM MemorySwapMax=", high, max);
	str_addf(out, all ? "infinity\n" : swap ? "%lluM\n" : "0\n", swap);
	str_addf(out,
		 "kubernetes\tresources: {requests: {memory: %lluMi}, limits: {memory: %lluMi}}\n",
		 max, max);
	if (all)
		str_addf(out, "docker\t--memory=%llum --memory-swap=-1\n", max);
	else
		str_addf(out, "docker\t--memory=%llum --memory-swap=%llum\n", max, max + swap);
}

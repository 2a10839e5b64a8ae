/* See meminfo.h. */
#include "harness/exec/meminfo.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

uint64_t meminfo_bytes(const char *text, const char *key)
{
	const char *at = str_find_line(text, key);

	return at ? strtoull(at, NULL, 10) * 1024 : 0;
}

/* "(0, 1841, 1841)": the largest. */
static uint64_t largest(const char *list)
{
	uint64_t most = 0;
	char *at = NULL;

	for (list += 1; *list >= '0' && *list <= '9'; list = at + strspn(at, ", ")) {
		uint64_t pages = strtoull(list, &at, 10);
		most = pages > most ? pages : most;
	}
	return most;
}

struct zone {
	uint64_t free, high, kept;
};

static void end_zone(struct zone *zone, struct zoneinfo *ret)
{
	uint64_t mark = zone->high + zone->kept;

	ret->free_pages += zone->free;
	ret->above_pages += zone->free > mark ? zone->free - mark : 0;
	*zone = (struct zone){0};
}

/* A zone's own watermark is "high     27"; "high:  1079" and "high_min:" are of a CPU's lists. */
void zoneinfo_read(const char *text, struct zoneinfo *ret)
{
	struct zone zone = {0};

	*ret = (struct zoneinfo){0};
	for (const char *at = text; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (strncmp(at, "Node ", 5) == 0)
			end_zone(&zone, ret);
		at += strspn(at, " ");
		if (strncmp(at, "pages free", 10) == 0)
			zone.free = strtoull(at + 10, NULL, 10);
		else if (strncmp(at, "high ", 5) == 0)
			zone.high = strtoull(at + 5, NULL, 10);
		else if (strncmp(at, "protection: (", 13) == 0)
			zone.kept = largest(at + 12);
		else if (strncmp(at, "count:", 6) == 0)
			ret->cpu_pages += strtoull(at + 6, NULL, 10);
	}
	end_zone(&zone, ret);
}

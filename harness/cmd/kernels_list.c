/*
 * See kernels_list.h.
 */
#include "harness/cmd/kernels_list.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/parse.h"
#include "harness/record/field.h"

#define FLAVOUR "-cloud-amd64"

struct listing {
	const struct kernels *kernels;
	struct store_pins pins, cached; /* by what they are called; what is there */
	struct debian_kernel *available;
	size_t n_available;
};

static bool is_cached(const struct listing *listing, const struct debian_kernel *kernel)
{
	for (size_t i = 0; i < listing->cached.n; i++)
		if (str_eq(listing->cached.all[i].release, kernel->release) &&
		    str_eq(listing->cached.all[i].version, kernel->image->version))
			return true;
	return false;
}

static uint64_t download_bytes(const struct debian_kernel *kernel)
{
	bool two = kernel->modules && kernel->modules != kernel->image;

	return kernel->image->size_bytes + (two ? kernel->modules->size_bytes : 0);
}

/* Specs that mean this kernel, "debian:6.1, debian:bookworm"; a kernel without any goes by its
 * own. */
static void specs_of(const struct listing *listing, const struct pin *kernel, struct str *out)
{
	for (size_t i = 0; i < listing->pins.n; i++) {
		const struct pin *pin = &listing->pins.all[i];
		if (str_eq(pin->release, kernel->release) && str_eq(pin->version, kernel->version))
			str_addf(out, "%s%s", out->len ? ", " : "", pin->spec);
	}
	MEM_AUTO char *own = pin_own_spec(kernel);
	if (!out->len)
		str_add(out, own);
}

static void print_cached(const struct listing *listing)
{
	uint64_t bytes = 0;
	char size[PARSE_TEXT_MAX];

	for (size_t i = 0; i < listing->cached.n; i++) {
		const struct pin *kernel = &listing->cached.all[i];
		STR_AUTO specs = STR_INIT;
		specs_of(listing, kernel, &specs);
		bool bare = !kernel->modules && !pin_is_tiny(kernel);
		printf("%s\n    %s, package version %s, %s, %s%s\n    vmlinux sha256 %s\n",
		       str_text(&specs), kernel->release, kernel->version, kernel->suite,
		       format_size_short(kernel->bytes, size), bare ? ", without modules" : "",
		       kernel->vmlinux_sha256);
		if (pin_is_tiny(kernel))
			printf("    config sha256 %s\n    built here by %s\n",
			       kernel->config_sha256, kernel->compiler);
		bytes += kernel->bytes;
	}
	printf("%zu kernels in '%s', %s\n", listing->cached.n, listing->kernels->store.path,
	       format_size_short(bytes, size));
}

/* What to ask for to get just this one: as short as it can be. */
static char *spec_of(const struct listing *listing, const struct debian_kernel *kernel)
{
	MEM_AUTO char *wish = mem_printf("%.*s", (int)(strlen(kernel->release) - strlen(FLAVOUR)),
					 kernel->release);
	struct debian_kernel chosen;
	struct err ignored = ERR_INIT;
	bool same = debian_choose(&listing->kernels->index, wish, &chosen, &ignored) >= 0 &&
		    chosen.image == kernel->image;

	return mem_printf(DEBIAN_PREFIX "%s", same ? wish : kernel->image->version);
}

static bool is_built(const struct listing *listing, const struct debian_package *source)
{
	for (size_t i = 0; i < listing->cached.n; i++)
		if (pin_is_tiny(&listing->cached.all[i]) &&
		    str_eq(listing->cached.all[i].version, source->version))
			return true;
	return false;
}

/* What 'build' can make; as long as a kernel's line, and after them. */
static void print_sources(const struct listing *listing)
{
	const struct debian_package **all;
	size_t n = debian_sources(&listing->kernels->index, &all);
	char size[PARSE_TEXT_MAX];

	for (size_t i = n; i-- > 0;) {
		MEM_AUTO char *spec =
			mem_printf(TINY_PREFIX "%s", all[i]->name + strlen(DEBIAN_SOURCE));
		printf("%-30s %-20s %-19s %6s  %s\n", spec, all[i]->version, all[i]->suite,
		       format_size_short(all[i]->size_bytes, size),
		       is_built(listing, all[i]) ? "built" : "source: oomlab kernels build");
	}
	free(all);
}

static void print_available(const struct listing *listing)
{
	char size[PARSE_TEXT_MAX], when[32];
	struct tm tm;

	if (!listing->kernels->index_time) {
		puts("\nwhat can be had is not known yet: oomlab kernels --update");
		return;
	}
	puts("");
	for (size_t i = listing->n_available; i-- > 0;) {
		const struct debian_kernel *kernel = &listing->available[i];
		MEM_AUTO char *spec = spec_of(listing, kernel);
		printf("%-30s %-20s %-19s %6s%s%s\n", spec, kernel->image->version,
		       kernel->image->suite, format_size_short(download_bytes(kernel), size),
		       kernel->modules ? "" : "  without modules",
		       is_cached(listing, kernel) ? "  cached" : "");
	}
	print_sources(listing);
	(void)localtime_r(&listing->kernels->index_time, &tm);
	(void)strftime(when, sizeof(when), "%F %R", &tm);
	printf("%zu kernels can be had, as of %s\n", listing->n_available, when);
}

static json_t *available_json(const struct listing *listing, const struct debian_kernel *kernel)
{
	MEM_AUTO char *spec = spec_of(listing, kernel);

	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:b, s:b}", "spec", spec, "release",
			 kernel->release, "version", kernel->image->version, "suite",
			 kernel->image->suite, "package", kernel->image->name, "download_bytes",
			 field_u64_new(download_bytes(kernel)), "modules", kernel->modules != NULL,
			 "cached", is_cached(listing, kernel));
}

static json_t *sources_json(const struct listing *listing)
{
	const struct debian_package **all;
	size_t n = debian_sources(&listing->kernels->index, &all);
	json_t *sources = json_array();

	for (size_t i = 0; i < n; i++) {
		MEM_AUTO char *spec =
			mem_printf(TINY_PREFIX "%s", all[i]->name + strlen(DEBIAN_SOURCE));
		json_array_append_new(sources,
				      json_pack("{s:s, s:s, s:s, s:s, s:o, s:b}", "spec", spec,
						"version", all[i]->version, "suite", all[i]->suite,
						"package", all[i]->name, "download_bytes",
						field_u64_new(all[i]->size_bytes), "built",
						is_built(listing, all[i])));
	}
	free(all);
	return sources;
}

static void print_json(const struct listing *listing)
{
	json_t *cached = json_array(), *available = json_array();

	for (size_t i = 0; i < listing->cached.n; i++) {
		const struct pin *kernel = &listing->cached.all[i];
		json_t *specs = json_array(), *json = pin_to_json(kernel);
		for (size_t k = 0; k < listing->pins.n; k++)
			if (str_eq(listing->pins.all[k].release, kernel->release) &&
			    str_eq(listing->pins.all[k].version, kernel->version))
				json_array_append_new(specs,
						      json_string(listing->pins.all[k].spec));
		(void)json_object_del(json, "spec");
		json_object_set_new(json, "specs", specs);
		json_array_append_new(cached, json);
	}
	for (size_t i = 0; i < listing->n_available; i++)
		json_array_append_new(available, available_json(listing, &listing->available[i]));
	json_t *all = json_pack("{s:o, s:I, s:o, s:o, s:o}", "cache",
				field_text_new(listing->kernels->store.path), "index_unix",
				(json_int_t)listing->kernels->index_time, "cached", cached,
				"available", available, "sources", sources_json(listing));
	json_dumpf(all, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(all);
}

int kernels_list(const struct kernels *kernels, bool json, struct err *err)
{
	struct listing listing = {.kernels = kernels};
	int r = store_list_pins(&kernels->store, &listing.pins, err);

	if (r >= 0)
		r = store_list_kernels(&kernels->store, &listing.cached, err);
	if (r >= 0) {
		listing.n_available = debian_kernels(&kernels->index, &listing.available);
		if (json)
			print_json(&listing);
		else
			print_cached(&listing), print_available(&listing);
	}
	free(listing.available);
	store_pins_free(&listing.pins);
	store_pins_free(&listing.cached);
	return r;
}

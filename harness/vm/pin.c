/*
 * See pin.h.
 */
#include "harness/vm/pin.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "harness/record/field.h"

#define ROW(kind, field, required)                                           \
	{                                                                    \
#field, kind, offsetof(struct pin, field), 0, required, NULL \
	}

static const struct field rows[] = {
	ROW(FIELD_TEXT, spec, true),
	ROW(FIELD_TEXT, release, true),
	ROW(FIELD_TEXT, version, true),
	ROW(FIELD_TEXT, suite, true),
	ROW(FIELD_TEXT, vmlinux_sha256, true),
	ROW(FIELD_BYTES, vmlinux_bytes, false),
	ROW(FIELD_BOOL, modules, true),
	ROW(FIELD_BYTES, bytes, false),
	ROW(FIELD_LIST, packages, true),
	ROW(FIELD_TEXT, options_sha256, false),
	ROW(FIELD_TEXT, config_sha256, false),
	ROW(FIELD_TEXT, compiler, false),
	{.name = NULL},
};

void pin_clear(struct pin *pin)
{
	fields_clear(rows, pin);
	*pin = (struct pin){0};
}

json_t *pin_to_json(const struct pin *pin)
{
	json_t *json = json_object();

	fields_to_json(rows, pin, json);
	return json;
}

static bool is_file_name(const char *text)
{
	return text && *text && *text != '.' && !strchr(text, '/');
}

int pin_from_json(const json_t *json, struct pin *ret, struct err *err)
{
	struct pin pin = {0};
	struct debian_package package;
	int r = fields_from_json(rows, json, &pin, err);

	if (r >= 0 && (!is_file_name(pin.release) || !is_file_name(pin.version)))
		r = err_set(err, EINVAL, "release or version is no name");
	for (size_t i = 0; r >= 0 && i < json_array_size(pin.packages); i++)
		if (!pin_package(&pin, i, &package))
			r = err_set(err, EINVAL, "package %zu is not complete", i);
	if (r < 0)
		pin_clear(&pin);
	else
		*ret = pin;
	return r;
}

/* ---- packages ------------------------------------------------------------------------------- */

static json_t *package_json(const struct debian_package *package)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "package", package->name, "version",
			 package->version, "uri", package->uri, "file", package->file, "sha256",
			 package->sha256, "size_bytes", field_u64_new(package->size_bytes),
			 "installed_bytes", field_u64_new(package->installed_bytes));
}

void pin_from_kernel(const char *spec, const struct debian_kernel *kernel, struct pin *ret)
{
	*ret = (struct pin){.spec = mem_dup(spec),
			    .release = mem_dup(kernel->release),
			    .version = mem_dup(kernel->image->version),
			    .suite = mem_dup(kernel->image->suite),
			    .vmlinux_sha256 = mem_dup(""),
			    .modules = kernel->modules != NULL,
			    .packages = json_array()};
	json_array_append_new(ret->packages, package_json(kernel->image));
	if (kernel->modules && kernel->modules != kernel->image)
		json_array_append_new(ret->packages, package_json(kernel->modules));
}

void pin_from_source(const char *spec, const struct debian_package *source, struct pin *ret)
{
	*ret = (struct pin){.spec = mem_dup(spec),
			    .release = mem_dup(""),
			    .version = mem_dup(source->version),
			    .suite = mem_dup(source->suite),
			    .vmlinux_sha256 = mem_dup(""),
			    .packages = json_array()};
	json_array_append_new(ret->packages, package_json(source));
}

bool pin_is_tiny(const struct pin *pin)
{
	return pin->options_sha256 != NULL;
}

char *pin_own_spec(const struct pin *pin)
{
	return pin_is_tiny(pin) ? mem_printf(TINY_PREFIX "%s", pin->version)
				: mem_printf(DEBIAN_PREFIX "%s", pin->release);
}

static char *text_of(const json_t *json, const char *key)
{
	const json_t *value = json_object_get(json, key);

	/* Read-only for all who get it; struct debian_package owns its texts elsewhere. */
	return json_is_string(value) ? (char *)(uintptr_t)json_string_value(value) : NULL;
}

bool pin_package(const struct pin *pin, size_t i, struct debian_package *ret)
{
	const json_t *json = json_array_get(pin->packages, i);

	*ret = (struct debian_package){.name = text_of(json, "package"),
				       .version = text_of(json, "version"),
				       .uri = text_of(json, "uri"),
				       .file = text_of(json, "file"),
				       .sha256 = text_of(json, "sha256")};
	(void)field_u64_get(json_object_get(json, "installed_bytes"), &ret->installed_bytes);
	return json && is_file_name(ret->name) && ret->version && ret->uri && ret->file &&
	       ret->sha256 && field_u64_get(json_object_get(json, "size_bytes"), &ret->size_bytes);
}

char *pin_folder(const struct pin *pin)
{
	return mem_printf("%s_%s", pin->release, pin->version);
}

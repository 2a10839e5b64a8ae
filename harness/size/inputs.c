/*
 * See inputs.h.
 */
#include "harness/size/inputs.h"

#include <stdio.h>
#include <sys/stat.h>

static json_t *look(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	/* NULL as well where the path is no UTF-8. */
	return json_pack("{s:s, s:I, s:I}", "path", path, "size", (json_int_t)st.st_size,
			 "changed_ns",
			 (json_int_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec);
}

json_t *inputs_look(const char *const *words)
{
	json_t *list = json_array();

	for (; *words; words++) {
		json_t *file = look(*words);
		if (file)
			json_array_append_new(list, file);
	}
	return list;
}

json_t *inputs_same(const json_t *before, const json_t *after)
{
	json_t *list = json_array();

	for (size_t i = 0; i < json_array_size(before); i++)
		for (size_t n = 0; n < json_array_size(after); n++)
			if (json_equal(json_array_get(before, i), json_array_get(after, n))) {
				json_array_append(list, json_array_get(before, i));
				break;
			}
	return list;
}

const char *inputs_changed(const json_t *before, char *buf, size_t size)
{
	buf[0] = '\0';
	for (size_t i = 0; i < json_array_size(before) && !buf[0]; i++) {
		const json_t *was = json_array_get(before, i);
		const char *path = json_string_value(json_object_get(was, "path"));
		json_t *is = path ? look(path) : NULL;
		if (path && !(is && json_equal(was, is)))
			snprintf(buf, size, "%s", path);
		json_decref(is);
	}
	return buf;
}

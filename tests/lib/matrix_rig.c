/*
 * See matrix_rig.h.
 */
#include "tests/lib/matrix_rig.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct result matrix_rig_result(const char *json)
{
	MEM_AUTO char *text = mem_dup(json);
	struct result result;
	struct err err = ERR_INIT;
	json_error_t why;

	for (char *at = text; (at = strchr(at, '\'')) != NULL;)
		*at = '"';
	json_t *tree = json_loads(text, 0, &why);
	ck_assert_msg(tree != NULL, "%s: %s", json, why.text);
	if (!json_object_get(tree, "verdict"))
		json_object_set_new(tree, "verdict", json_string("pass"));
	if (!json_object_get(tree, "name"))
		json_object_set_new(tree, "name", json_string("limits/x"));
	ck_assert_msg(result_from_json(tree, &result, &err) >= 0, "%s", err.text);
	json_decref(tree);
	return result;
}

struct record *matrix_rig_record(const char *kernel, uint64_t memory_version, int64_t began)
{
	struct record *record = record_new();

	(void)snprintf(record->facts.kernel, sizeof(record->facts.kernel), "%s", kernel);
	(void)snprintf(record->facts.machine, sizeof(record->facts.machine), "x86_64");
	record->facts.memory_version = memory_version;
	record->began_unix_ns = began;
	record->id = mem_printf("run-%lld", (long long)began);
	return record;
}

struct result *matrix_rig_add(struct record *record, const char *name, const char *verdict,
			      const char *victims)
{
	MEM_AUTO char *json =
		mem_printf("{'name': '%s', 'verdict': '%s', 'reason': %s, 'kills': []}", name,
			   verdict, str_eq(verdict, "skip") ? "'needs a feature'" : "null");
	struct result result = matrix_rig_result(json);
	MEM_AUTO char *copy = mem_dup(victims);
	const char *slash = strchr(name, '/');

	result.suite = mem_printf("%.*s", slash ? (int)(slash - name) : 0, name);
	for (char *rest = copy, *word; (word = strsep(&rest, " ")) != NULL;)
		if (*word)
			json_array_append_new(result.kills, json_pack("{s:s}", "task", word));
	record->planned++;
	return record_add(record, &result);
}

/*
 * See vm_evidence.h.
 */
#include "harness/cmd/vm_evidence.h"

#include <errno.h>
#include <string.h>

#include "harness/record/field.h"
#include "harness/vm/sha256.h"

char *vm_evidence_console(size_t index)
{
	return index ? mem_printf("console-%zu.log", index + 1) : mem_dup("console.log");
}

json_t *vm_evidence_machine(size_t index, const char *console, const char *image_sha256,
			    const char *append)
{
	char sha256[SHA256_TEXT];
	MEM_AUTO char *name = vm_evidence_console(index);

	sha256_of(console, strlen(console), sha256);
	return json_pack("{s:s, s:s, s:s, s:o}", "console", name, "console_sha256", sha256,
			 "image_sha256", image_sha256, "append", field_text_new(append));
}

/* ---- what was asked for --------------------------------------------------------------------- */

#define AT(member) offsetof(struct vm_values, member)

static const struct {
	const char *name;
	size_t at;
} numbers[] = {{"memory_bytes", AT(memory_bytes)},
	       {"cpus", AT(cpus)},
	       {"nodes", AT(nodes)},
	       {"repeat", AT(repeat)},
	       {"timeout_ns", AT(timeout_ns)}},
  texts[] = {{"swap", AT(swap)}, {"append", AT(append)}},
  lists[] = {{"with", AT(with)}, {"params", AT(params)}, {"filters", AT(filters)}};

enum {
	NUMBERS = sizeof(numbers) / sizeof(numbers[0]),
	TEXTS = sizeof(texts) / sizeof(texts[0]),
	LISTS = sizeof(lists) / sizeof(lists[0]),
};

static const void *member(const struct vm_values *values, size_t at)
{
	return (const char *)values + at;
}

static json_t *list_of(const char *const *text, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, field_text_new(text[i]));
	return list;
}

/* What was not asked for is left out. */
static json_t *wish_to_json(const struct vm_wish *wish)
{
	json_t *json = json_object();

	json_object_set_new(json, "kernel", field_text_new(wish->kernel));
	json_object_set_new(json, "cgroup", field_text_new(wish->cgroup));
	for (size_t i = 0; i < NUMBERS; i++) {
		const uint64_t *number = member(wish->values, numbers[i].at);
		if (*number != UINT64_MAX)
			json_object_set_new(json, numbers[i].name, field_u64_new(*number));
	}
	for (size_t i = 0; i < TEXTS; i++) {
		const char *const *text = member(wish->values, texts[i].at);
		if (*text)
			json_object_set_new(json, texts[i].name, field_text_new(*text));
	}
	for (size_t i = 0; i < LISTS; i++) {
		const struct opt_list *list = member(wish->values, lists[i].at);
		json_object_set_new(json, lists[i].name, list_of(list->text, list->n));
	}
	json_object_set_new(json, "scenarios",
			    list_of((const char *const *)wish->scenarios, wish->n_scenarios));
	return json;
}

json_t *vm_evidence(const struct vm_wish *wish, const char *qemu, const char *kernel_sha256)
{
	json_t *json = wish_to_json(wish);

	json_object_set_new(json, "qemu", field_text_new(qemu));
	json_object_set_new(json, "kernel_sha256", field_text_new(kernel_sha256));
	return json;
}

/* ---- and back ------------------------------------------------------------------------------- */

static void read_list(const json_t *json, struct opt_list *ret)
{
	const char *text;

	*ret = (struct opt_list){0};
	for (size_t i = 0; i < json_array_size(json) && ret->n < OPT_LIST_MAX; i++)
		if ((text = json_string_value(json_array_get(json, i))) != NULL)
			ret->text[ret->n++] = text;
}

static void read_options(const json_t *vm, struct vm_values *values)
{
	for (size_t i = 0; i < NUMBERS; i++) {
		uint64_t *number = (uint64_t *)((char *)values + numbers[i].at);
		if (!field_u64_get(json_object_get(vm, numbers[i].name), number))
			*number = UINT64_MAX;
	}
	for (size_t i = 0; i < TEXTS; i++)
		*(const char **)((char *)values + texts[i].at) =
			json_string_value(json_object_get(vm, texts[i].name));
	for (size_t i = 0; i < LISTS; i++)
		read_list(json_object_get(vm, lists[i].name),
			  (struct opt_list *)((char *)values + lists[i].at));
}

int vm_evidence_read(const struct record *record, const struct vm_values *base,
		     struct vm_recorded *ret, struct err *err)
{
	const json_t *scenarios = json_object_get(record->vm, "scenarios");
	struct vm_recorded recorded = {
		.values = *base,
		.kernel = json_string_value(json_object_get(record->vm, "kernel")),
		.cgroup = json_string_value(json_object_get(record->vm, "cgroup"))};

	if (!recorded.kernel || !recorded.cgroup || !record->seed)
		return err_set(err, EINVAL,
			       "no run of 'oomlab vm --seed' is recorded there, so there is "
			       "nothing to replay");
	read_options(record->vm, &recorded.values);
	recorded.values.seed = record->seed;
	recorded.scenarios = mem_zero(json_array_size(scenarios) + 1, sizeof(char *));
	for (size_t i = 0; i < json_array_size(scenarios); i++) {
		const char *text = json_string_value(json_array_get(scenarios, i));
		if (text)
			recorded.scenarios[recorded.n_scenarios++] =
				(char *)(uintptr_t)text; /* argv's type; nobody writes */
	}
	*ret = recorded;
	return 0;
}

bool vm_evidence_matches(const struct record *record, const struct vm_wish *wish, bool *ret_exact)
{
	static const char *const must[] = {"kernel", "cgroup", "scenarios"};
	static const char *const made[] = {"qemu", "kernel_sha256"};
	bool matches = record->seed == wish->values->seed && json_array_size(record->machines) > 0;
	json_t *wanted = wish_to_json(wish), *there = json_copy(record->vm);

	for (size_t i = 0; i < sizeof(must) / sizeof(must[0]); i++)
		matches = matches && json_equal(json_object_get(wanted, must[i]),
						json_object_get(there, must[i]));
	for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++)
		json_object_del(there, made[i]);
	*ret_exact = matches && json_equal(wanted, there);
	json_decref(wanted);
	json_decref(there);
	return matches;
}

/*
 * See vm_words.h.
 */
#include "harness/cmd/vm_words.h"

#include "base/str.h"
#include "harness/record/field.h"
#include "harness/vm/channel.h"

static void add_list(json_t *words, const char *option, const struct opt_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		MEM_AUTO char *word = mem_printf("--%s=%s", option, list->text[i]);
		json_array_append_new(words, field_text_new(word));
	}
}

json_t *vm_words_run(const struct vm_values *values, const char *after)
{
	json_t *words =
		json_pack("[s, s, s, s, s]", "run", "--format=stream", "--output=" CHANNEL_HIDDEN,
			  "--results=/run/results", "--this-machine-is-disposable");
	MEM_AUTO char *repeat = mem_printf("--repeat=%llu", (unsigned long long)values->repeat);

	json_array_append_new(words, json_string(repeat));
	if (after) {
		MEM_AUTO char *word = mem_printf("--after=%s", after);
		json_array_append_new(words, field_text_new(word));
	}
	if (values->timeout_ns != UINT64_MAX) {
		MEM_AUTO char *word =
			mem_printf("--timeout=%lluns", (unsigned long long)values->timeout_ns);
		json_array_append_new(words, json_string(word));
	}
	add_list(words, "param", &values->params);
	add_list(words, "filter", &values->filters);
	return words;
}

char *vm_words_kernel(const struct vm_values *values, const char *cgroup)
{
	struct str text = STR_INIT;

	str_addf(&text,
		 "console=ttyS0 panic=-1 quiet reboot=t cryptomgr.notests norandmaps "
		 "printk.devkmsg=on printk.time=1 log_buf_len=4M OOMLAB_CGROUP=%s",
		 cgroup);
	if (values->seed != UINT64_MAX)
		str_addf(&text, " OOMLAB_SEED=%llu", (unsigned long long)values->seed);
	if (values->swap)
		str_addf(&text, " OOMLAB_SWAP=%s", values->swap);
	if (values->append)
		str_addf(&text, " %s", values->append);
	return str_take(&text);
}

/*
 * See vm_queue.h.
 */
#include "harness/cmd/vm_queue.h"

#include <errno.h>
#include <stdlib.h>

#include "base/str.h"

/* ---- what there is -------------------------------------------------------------------------- */

static int fill_item(struct vm_item *item, const json_t *json)
{
	const char *name = json_string_value(json_object_get(json, "name"));
	json_int_t timeout_ns = json_integer_value(json_object_get(json, "timeout_ns"));

	if (!name || timeout_ns < 0)
		return -EPROTO;
	*item = (struct vm_item){.name = mem_dup(name),
				 .alone = json_is_true(json_object_get(json, "alone")),
				 .timeout_ns = (uint64_t)timeout_ns};
	return 0;
}

static bool same(const struct vm_queue *queue, const json_t *planned)
{
	bool equal = json_array_size(planned) == queue->n;

	for (size_t i = 0; equal && i < queue->n; i++)
		equal = str_eq(queue->items[i].name, json_string_value(json_object_get(
							     json_array_get(planned, i), "name")));
	return equal;
}

int vm_queue_fill(struct vm_queue *queue, const json_t *planned, struct err *err)
{
	size_t n = json_array_size(planned);

	if (queue->n)
		return same(queue, planned)
			       ? 0
			       : err_set(err, EPROTO, "this machine would run something else");
	queue->items = mem_zero(n + 1, sizeof(*queue->items));
	for (; queue->n < n; queue->n++)
		if (fill_item(&queue->items[queue->n], json_array_get(planned, queue->n)) < 0)
			break;
	if (!n || queue->n < n)
		return err_set(err, EPROTO, "the guest's plan is not understood");
	return 0;
}

void vm_queue_clear(struct vm_queue *queue)
{
	for (size_t i = 0; i < queue->n; i++) {
		free(queue->items[i].name);
		if (i >= queue->told && queue->items[i].state == VM_OVER)
			result_clear(&queue->items[i].result);
	}
	free(queue->items);
	*queue = (struct vm_queue){0};
}

/* ---- what is next --------------------------------------------------------------------------- */

static size_t waiting(const struct vm_queue *queue, bool alone)
{
	size_t n = 0;

	for (size_t i = 0; i < queue->n; i++)
		n += queue->items[i].state == VM_WAITING && queue->items[i].alone == alone;
	return n;
}

/* Small enough that all machines end at about the same time. */
static size_t batch(const struct vm_queue *queue, size_t lanes)
{
	size_t fair = waiting(queue, false) / (2 * lanes);

	return fair > VM_BATCH_MAX ? VM_BATCH_MAX : fair ? fair : 1;
}

size_t vm_queue_take(struct vm_queue *queue, bool used, size_t lanes,
		     size_t ret[static VM_BATCH_MAX])
{
	size_t n = 0, max = batch(queue, lanes);

	for (size_t i = 0; i < queue->n && n < max; i++) {
		struct vm_item *item = &queue->items[i];
		if (item->state != VM_WAITING || (item->alone && (used || n)))
			continue;
		item->state = VM_UNDER_WAY;
		ret[n++] = i;
		if (item->alone)
			break;
	}
	return n;
}

size_t vm_queue_machines(const struct vm_queue *queue)
{
	return waiting(queue, true) + (waiting(queue, false) + VM_BATCH_MAX - 1) / VM_BATCH_MAX;
}

/* ---- what came ------------------------------------------------------------------------------ */

struct vm_item *vm_queue_find(const struct vm_queue *queue, const size_t *given, size_t n,
			      const char *name)
{
	for (size_t i = 0; i < n; i++) {
		struct vm_item *item = &queue->items[given[i]];
		if (item->state == VM_UNDER_WAY && str_eq(item->name, name))
			return item;
	}
	return NULL;
}

bool vm_queue_under_way(const struct vm_queue *queue, size_t index)
{
	return queue->items[index].state == VM_UNDER_WAY;
}

void vm_queue_give_back(struct vm_queue *queue, size_t index)
{
	if (vm_queue_under_way(queue, index))
		queue->items[index].state = VM_WAITING;
}

void vm_queue_settle(struct vm_item *item, struct result *result)
{
	item->state = VM_OVER;
	item->result = *result;
	*result = (struct result){0};
}

struct result *vm_queue_tell(struct vm_queue *queue, bool gaps)
{
	while (gaps && queue->told < queue->n && queue->items[queue->told].state != VM_OVER)
		queue->told++;
	if (queue->told >= queue->n || queue->items[queue->told].state != VM_OVER)
		return NULL;
	return &queue->items[queue->told++].result;
}

bool vm_queue_done(const struct vm_queue *queue)
{
	for (size_t i = 0; i < queue->n; i++)
		if (queue->items[i].state != VM_OVER)
			return false;
	return queue->n > 0;
}

/* Tasks by slot. */
#include "worker/slots.h"

#include "base/log.h"
#include "tasks/task.h"

#include <stdlib.h>
#include <string.h>

struct entry *
slot_queue_add(struct slot_queue *slot, struct task *task)
{
	if (slot->count == slot->room) {
		slot->room = slot->room ? 2 * slot->room : 8;
		slot->entries =
			xrealloc(slot->entries, (unsigned long)slot->room * sizeof(*slot->entries));
	}
	slot->open++;
	struct entry *entry = &slot->entries[slot->count++];
	*entry = (struct entry){.seq = ++slot->last, .task = task};
	return entry;
}

struct entry *
slot_queue_find(struct slot_queue *slot, uint64_t seq)
{
	for (int i = 0; i < slot->count; i++)
		if (slot->entries[i].seq == seq)
			return &slot->entries[i];
	return NULL;
}

struct task *
slot_queue_take(struct slot_queue *slot, struct entry *entry)
{
	struct task *task = entry->task;
	slot_queue_ended(slot, entry);
	slot->count--;
	size_t after = (size_t)(slot->entries + slot->count - entry);
	memmove(entry, entry + 1, after * sizeof(*entry));
	return task;
}

void
slot_queue_ended(struct slot_queue *slot, struct entry *entry)
{
	if (entry->state != ENTRY_ENDED)
		slot->open--;
	if (entry->seq == slot->slow)
		slot->slow = 0;
	entry->state = ENTRY_ENDED;
}

void
slot_queue_clear(struct slot_queue *slot)
{
	for (int i = 0; i < slot->count; i++)
		task_free(slot->entries[i].task);
	free(slot->entries);
	*slot = (struct slot_queue){0};
}

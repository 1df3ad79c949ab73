/* The queue of a rank. */
#include "worker/queue.h"

#include "base/log.h"
#include "tasks/task.h"

#include <stdlib.h>

static void
grow(struct task_queue *queue)
{
	if (queue->count < queue->room)
		return;
	size_t room = queue->room ? 2 * queue->room : 64;
	struct task **ring = xcalloc(room, sizeof(*ring));
	for (size_t i = 0; i < queue->count; i++)
		ring[i] = queue->ring[(queue->first + i) % queue->room];
	free(queue->ring);
	queue->ring = ring;
	queue->first = 0;
	queue->room = room;
}

void
task_queue_push(struct task_queue *queue, struct task *task)
{
	grow(queue);
	queue->ring[(queue->first + queue->count++) % queue->room] = task;
}

void
task_queue_unshift(struct task_queue *queue, struct task *task)
{
	grow(queue);
	queue->first = (queue->first + queue->room - 1) % queue->room;
	queue->ring[queue->first] = task;
	queue->count++;
}

struct task *
task_queue_shift(struct task_queue *queue)
{
	struct task *task = queue->ring[queue->first];
	queue->first = (queue->first + 1) % queue->room;
	queue->count--;
	return task;
}

struct task *
task_queue_remove(struct task_queue *queue, uint64_t index)
{
	struct task *found = NULL;
	for (size_t left = queue->count; left; left--) { /* once round: the order stays */
		struct task *task = task_queue_shift(queue);
		if (!found && task->index == index)
			found = task;
		else
			task_queue_push(queue, task);
	}
	return found;
}

void
task_queue_clear(struct task_queue *queue)
{
	while (queue->count)
		task_free(task_queue_shift(queue));
	free(queue->ring);
	*queue = (struct task_queue){0};
}

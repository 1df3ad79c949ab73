/* The tasks of a rank that no slot has yet: a ring of owned pointers. */
#ifndef WORKER_QUEUE_H
#define WORKER_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct task;

/* Zero-initialised is empty and valid. */
struct task_queue {
	struct task **ring;
	size_t first, count, room;
};

void task_queue_push(struct task_queue *queue, struct task *task);

/* Puts it in front: it was handed out before those that wait. */
void task_queue_unshift(struct task_queue *queue, struct task *task);

/* Takes the first one out; there must be one. */
struct task *task_queue_shift(struct task_queue *queue);

/* Takes the task of that index out; NULL if it is not there. */
struct task *task_queue_remove(struct task_queue *queue, uint64_t index);

/* Frees the tasks, too. */
void task_queue_clear(struct task_queue *queue);

#endif

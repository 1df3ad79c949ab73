/* Tasks written as a task list: --dry-run, failed.txt and remaining.txt. */
#ifndef TASKS_LISTING_H
#define TASKS_LISTING_H

#include "base/buf.h"
#include "tasks/task.h"

/* What the lines so far have set. Zero-initialised is the start of a list. */
struct listing {
	struct task *last;	   /* whose settings hold */
	enum task_barrier barrier; /* the strongest passed since a task was written */
	uint64_t written;
};

/* Appends directive lines for what differs from the task before, then its command as one line. */
void listing_add(struct listing *listing, struct buf *buf, const struct task *task);

/* A task that is left out: its barrier counts for the next one. */
void listing_skip(struct listing *listing, const struct task *task);

void listing_clear(struct listing *listing);

#endif

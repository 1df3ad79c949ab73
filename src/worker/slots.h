/* The tasks that each slot of a rank holds, in the order they were given to it. */
#ifndef WORKER_SLOTS_H
#define WORKER_SLOTS_H

#include <stdbool.h>
#include <stdint.h>

struct task;

enum entry_state {
	ENTRY_GIVEN,	/* to the slot: it runs, or is staged */
	ENTRY_RECALLED, /* asked back */
	ENTRY_ENDED,	/* its result is sent; its output is still to be fetched */
};

struct entry {
	uint64_t seq;
	enum entry_state state;
	bool wanted;	   /* rank 0 has asked for it: it goes there, not into the queue */
	bool shown;	   /* rank 0 has some of its output, or was offered it while it runs */
	int unpaid;	   /* chunks sent beyond those that rank 0 gave credit for */
	struct task *task; /* owned */
};

struct slot_queue {
	bool up;
	bool closed;   /* for ever */
	bool waits;    /* not up, because no process can be made there */
	bool syncing;  /* it has not said yet that what it stored is safe */
	uint64_t last; /* the highest seq given */
	uint64_t slow; /* seq of the task that has run for long: nothing is staged behind it; 0:
			  none */
	struct entry *entries;
	int count;
	int open; /* those of them that have not ended */
	int room;
};

/* Adds the task, which it owns from now on, and returns its entry. */
struct entry *slot_queue_add(struct slot_queue *slot, struct task *task);

/* The entry of that number, or NULL. */
struct entry *slot_queue_find(struct slot_queue *slot, uint64_t seq);

/* Takes an entry out and returns its task, the caller's now. */
struct task *slot_queue_take(struct slot_queue *slot, struct entry *entry);

/* Its result is in; the entry stays until its output is fetched. */
void slot_queue_ended(struct slot_queue *slot, struct entry *entry);

void slot_queue_clear(struct slot_queue *slot);

#endif

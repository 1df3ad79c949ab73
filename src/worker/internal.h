/* The worker's state, shared by the files of this folder and nobody else. */
#ifndef WORKER_INTERNAL_H
#define WORKER_INTERNAL_H

#include "base/buf.h"
#include "comm/message.h"
#include "worker/queue.h"
#include "worker/slots.h"
#include "worker/worker.h"

/* Messages of many small items, gathered during a turn. */
struct batch {
	uint32_t count;
	struct buf items;
	int64_t since_ns; /* the turn in which the first came; 0: empty, or this one */
};

struct worker {
	struct worker_options options;
	struct message_link link;
	struct slot_queue *slots;
	int nslots;
	struct task_queue queue; /* not given to a slot yet */
	struct batch results, started, recalled;
	struct sched *pace;   /* only for the mean task time and what follows from it */
	int fetched;	      /* entries whose output is still to be fetched */
	int starved;	      /* entries whose lines wait for credit */
	int64_t heartbeat_ns; /* when the next is to be sent */
	int unheard;	      /* beats since the master was heard */
	int64_t alone_ns;     /* when to leave without the master; 0: it is there */
	int64_t active_ns;    /* when something last happened */
	bool paused, draining, held, stopping, syncing, said_bye, finished;
	bool no_room_said; /* that no process can be made here, since a task last ended */
};

/* Sends the message that was begun. */
void worker_send(struct worker *worker);

/* Adds an item to a batch: what is appended to the buffer that is returned. */
struct buf *batch_add(struct batch *batch);
void batch_send(struct worker *worker, struct batch *batch, enum message_type type);

/* Tells rank 0 what becomes of a task that it asked back, or that comes back unasked. */
void worker_give_back(struct worker *worker, uint64_t index, enum recalled how);

/* Gives a task back to rank 0, and frees it. */
void worker_return(struct worker *worker, struct task *task);

/* A slot has not started the task, whose entry ends: it goes back into the queue, or to rank 0 if
 * that has asked for it. */
void worker_unstarted(struct worker *worker, struct slot_queue *slot, struct entry *entry);

/* Nothing is started any more: all that has not been, and all that comes, goes back to rank 0
 * (receive.c). */
void worker_hold_back(struct worker *worker);

/* Slot I takes no tasks now, WHY ("": that was said). One that is closed stays so (events.c). */
void worker_slot_down(struct worker *worker, int i, const char *why, enum slot_end end);

/* Asks slot I for a task back. */
void worker_recall(struct worker *worker, int i, struct entry *entry);

/* By how many chunks the slot is ahead of rank 0 with an entry's output. */
void worker_set_unpaid(struct worker *worker, struct entry *entry, int unpaid);

/* Gives the slots what they can take, and takes from one what another could run (feed.c). */
void worker_feed(struct worker *worker);

/* What the runner tells; its argument is the worker (events.c). */
extern const struct runner_events worker_events;

#endif

/*
 * The scheduler: to which worker the next tasks go and how many ahead, how fast to poll, and whose
 * staged tasks to call back. Pure: no clock, no descriptor, no I/O; it holds numbers, not tasks.
 *
 * A slot may hold 1 + ceil(lead / mean) tasks while the mean task time is under 4 s, else one;
 * while the mean is unknown two; never more than its share of what remains, so nothing is staged in
 * the tail. The lead covers what a result and the next task take on their way: two polls and 5 ms.
 */
#ifndef SCHED_SCHED_H
#define SCHED_SCHED_H

#include "tasks/task.h"

#include <stdbool.h>
#include <stdint.h>

struct sched;

struct sched_options {
	bool polled; /* the transport must be polled; else messages arrive at once */
};

struct sched *sched_new(const struct sched_options *options);
void sched_free(struct sched *sched);

/* Adds a worker whose slots offer OFFER each, and returns its number: 0, 1, 2, … Slots: 0 or more,
 * changed later by sched_slots(). */
int sched_add(struct sched *sched, const struct need *offer, int slots);

/* Its number of slots is now SLOTS; 0 takes it out. */
void sched_slots(struct sched *sched, int worker, int slots);

int sched_total_slots(const struct sched *sched);

/* True if a worker was ever added whose slots are large enough. */
bool sched_fits(const struct sched *sched, const struct need *need);

/*
 * Who gets the next tasks of that need, and how many at most; REMAINING is about how many are still
 * to be handed out, these included. Returns the worker, or -1 if every slot that fits has enough.
 * O(log n) in the number of workers.
 */
int sched_pick(struct sched *sched, const struct need *need, uint64_t remaining, int *count);

/* COUNT tasks went to the worker. */
void sched_sent(struct sched *sched, int worker, int count);

/* One task left the worker: it ended after RUNTIME_NS, or came back unstarted (RUNTIME_NS < 0). */
void sched_done(struct sched *sched, int worker, int64_t runtime_ns);

/* Tasks the worker holds now, running ones included. */
int sched_held(const struct sched *sched, int worker);

/* Nothing is left to hand out: if slots idle while others have tasks staged, returns the worker
 * with the most staged per slot and how many to call back; else -1. */
int sched_recall(const struct sched *sched, int *count);

/*
 * The longest sleep between polls, where nothing has happened for IDLE_NS: half a percent of the
 * mean task time, or a fortieth of the idle time if that is more, within 5 to 50 ms. Below 5 ms the
 * polling would cost more than the wait (every 1 ms is 3.7 % of a core, every 5 ms 1.1 %, every 50
 * ms less than 0.1 %: measured), and the lead hides it, since tasks that short are staged. HURRY: a
 * peer's answer is waited for with every core's output behind it: from 0.2 ms, and a fortieth of
 * the idle time again, as the one who is waited for may be a reader that sleeps.
 */
int64_t sched_poll_cap_ns(const struct sched *sched, bool hurry, int64_t idle_ns);

/* The mean task time, or -1 while no task has ended. */
int64_t sched_mean_ns(const struct sched *sched);

#endif

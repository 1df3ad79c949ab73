/*
 * The worker: the part of a rank that feeds its slots and speaks to the master. A state machine
 * driven by messages, by the runner's callbacks and by a time argument; it knows neither MPI nor
 * journal.
 *
 * Tasks wait in one queue per rank; a slot holds one, and a few staged behind it only while tasks
 * are short. What is staged behind a task that turns out long goes back into the queue.
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include "tasks/result.h"

#include <stdbool.h>
#include <stdint.h>

struct hello;
struct message_head;
struct runner;
struct transport;
struct unpack;
struct worker;

struct worker_options {
	struct transport *transport;
	int master; /* its endpoint */
	uint32_t session;
	uint32_t id;	       /* this worker's, unlike any other's of the run */
	struct runner *runner; /* the worker receives its events, and closes it in worker_free() */
	const struct hello *hello; /* sent at once */
};

struct worker *worker_new(const struct worker_options *options);
void worker_free(struct worker *worker);

/* A message from the master; IN is its payload. Dies if it is none that a worker takes. */
void worker_message(
	struct worker *worker, const struct message_head *head, struct unpack *in, int64_t now_ns);

/* Once per turn of the loop, after events and messages: feeds slots, sends results. */
void worker_turn(struct worker *worker, int64_t now_ns);

/* When worker_turn() has something to do even if nothing happens; CLOCK_NEVER for never. */
int64_t worker_deadline_ns(const struct worker *worker);

/* The rank itself was told to stop: its tasks get TERM now, and KILL after the grace; its slots are
 * closed. */
void worker_stop(struct worker *worker, enum result_reason reason, uint32_t grace_ms);

/* The longest its transport should sleep between polls: what the scheduler says (sched.h), and
 * little while an output waits to be fetched, or lines for credit. */
int64_t worker_poll_cap_ns(const struct worker *worker, int64_t now_ns);

/* The master is gone: tasks get TERM, and KILL after the grace, and what becomes of them nobody is
 * told. Also once it has been silent for long (MESSAGE_BEATS). */
void worker_lost_master(struct worker *worker, int64_t now_ns);

/* True if the master was lost: this rank leaves without it. */
bool worker_is_alone(const struct worker *worker);

/* True once the master has acknowledged the end, or this rank is alone and its tasks have ended. */
bool worker_finished(const struct worker *worker);

#endif

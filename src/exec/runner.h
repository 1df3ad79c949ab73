/*
 * Runner: starts tasks on slots and stops them; what comes of it arrives by callback, from within
 * the event loop. The real one (exec/pool.h) speaks to executors, the simulated one of the tests
 * has a virtual clock.
 *
 * A slot runs the tasks it is given in the order of their numbers SEQ, which the caller counts up
 * from 1 per slot. Each SEQ ends in exactly one of: ended, recalled (given back), or a slot that
 * goes down.
 */
#ifndef EXEC_RUNNER_H
#define EXEC_RUNNER_H

#include "tasks/result.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cpus;
struct runner;
struct task;

struct runner_ops {
	/* Gives the slot a task; the runner keeps no reference to it. */
	void (*start)(struct runner *runner, int slot, uint64_t seq, const struct task *task);
	/* Asks for it back; answered by recalled(), unless it has ended. */
	void (*recall)(struct runner *runner, int slot, uint64_t seq);
	/* Ends it if it runs: TERM, and after the grace KILL; it ends with that reason. From now on
	 * a slot that does not answer goes down, some seconds after the grace; with SEQ 0 that is
	 * all it does. */
	void (*kill)(struct runner *runner, int slot, uint64_t seq, enum result_reason reason,
		uint32_t grace_ms);
	/* Allows CHUNKS more chunks of its output to come. */
	void (*credit)(struct runner *runner, int slot, uint64_t seq, uint32_t chunks);
	/* Nothing runs any more: is what was stored safe? Answered by synced(). */
	void (*sync)(struct runner *runner, int slot);
	/* Sends what the calls above have gathered, and does what is due; once per turn. */
	void (*flush)(struct runner *runner);
	/* When flush() has something to do even if nothing happens; CLOCK_NEVER for never. */
	int64_t (*deadline_ns)(const struct runner *runner);
	/* Lets go of all slots, kills what still runs, and frees it. */
	void (*close)(struct runner *runner);
};

struct runner_events {
	/* The slot serves, on these CPUs (as read back there). Again after a down() that was not
	 * for ever. */
	void (*up)(void *arg, int slot, const struct cpus *cpus);
	/* The task has been running for a while (EXEC_STARTED_MS). */
	void (*started)(void *arg, int slot, uint64_t seq);
	/* RESULT's strings are valid during the call. */
	void (*ended)(void *arg, int slot, uint64_t seq, struct result *result);
	void (*recalled)(void *arg, int slot, uint64_t seq, enum recalled how);
	/* For a while no process can be made there, because of WHY: the slot takes no task until it
	 * is up() again, and those it has come back, RECALLED_NO_ROOM. */
	void (*no_room)(void *arg, int slot, const char *why);
	/* The task runs and prints more than can be held: its output is to be fetched now. */
	void (*offered)(void *arg, int slot, uint64_t seq);
	/* Of a task whose output is fetched; with --output line also unasked, of one that runs,
	 * EXEC_LINE_CREDITS of them before the first credit. */
	void (*chunk)(void *arg, int slot, uint64_t seq, int stream, const char *data, size_t len);
	void (*out_end)(void *arg, int slot, uint64_t seq);
	/* WHY outputs of its tasks may be lost; empty: they are safe. */
	void (*synced)(void *arg, int slot, const char *why);
	/* Descendants of the task that ended last cannot be killed: the slot takes no more tasks,
	 * and has started none of those it still has. Outputs can still be fetched from it. */
	void (*sick)(void *arg, int slot, const char *why);
	/* The slot is gone: its tasks up to STARTED may have run, those after it have not. */
	void (*down)(void *arg, int slot, uint64_t started, const char *why, bool for_ever);
};

/* The head of every runner. */
struct runner {
	const struct runner_ops *ops;
	const struct runner_events *events; /* set by who receives them, with EVENTS_ARG */
	void *events_arg;
	int slots;
};

#endif

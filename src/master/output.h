/*
 * Our own standard output and error, on which tasks' outputs appear: each task's whole, one after
 * the other (in the order in which they end, or of the tasks), or line by line as they come.
 *
 * Outputs that rode with their results are written as they come. A large one is fetched chunk by
 * chunk against credit, and while it is, the others wait in memory: output_backlog() says how much,
 * and the master hands out nothing while that is too much. What a running task prints beyond what
 * its slot can keep is fetched too, onto our disk, and written when it has ended: a task that runs
 * holds up nobody, unless that disk is full. Lines come against credit too. So memory stays
 * bounded, and a slow reader slows the run down instead.
 */
#ifndef MASTER_OUTPUT_H
#define MASTER_OUTPUT_H

#include "master/flights.h"

struct err;
struct order;
struct output;

struct output_options {
	int fds[2]; /* where standard output and error of tasks go; not owned */
	bool by_line;
	const char *tmpdir;  /* where outputs of running tasks wait */
	struct order *order; /* outputs in the order of task->order; NULL: as they end. Owned */
	/* Asks the worker of the flight for CHUNKS more of its output. */
	void (*credit)(void *arg, struct flight *flight, uint32_t chunks);
	/* Something is about to be written on a terminal. */
	void (*before)(void *arg);
	void *arg;
};

struct output *output_new(const struct output_options *options);
void output_free(struct output *output);

/* The flight has ended; RESULT has its outputs, if they rode. */
void output_ended(struct output *output, struct flight *flight, const struct result *result);

/* Its output is to be fetched while it runs (OUT_OFFER). */
void output_offered(struct output *output, struct flight *flight);

/* STREAM is 1 or 2. */
void output_chunk(
	struct output *output, struct flight *flight, int stream, const char *data, size_t len);

/* All of its output has come, or nothing more of it ever will. */
void output_fetched(struct output *output, struct flight *flight);

/* No output is to come any more: those that wait for one that never came need not. */
void output_close(struct output *output);

/* Writes what the descriptors take. Returns 0, or -1 with ERR once one failed for good: nothing is
 * written any more. */
int output_write(struct output *output, struct err *err);

/* True, with ERR, once the disk did not take an output that had to wait for its turn: its flight
 * has RESULT_OUTPUT then, if it had succeeded. */
bool output_spool_failed(const struct output *output, struct err *err);

/* True if output_write() left something that it can write at once. */
bool output_has_more(const struct output *output);

/* True once a descriptor's reader has gone away (EPIPE). */
bool output_is_closed(const struct output *output);

/* Drops what a reader does not take, if there is one that stands still: it counts as gone. */
void output_abandon(struct output *output);

/* The next flight whose output is out, in the order in which they are; NULL if none is. */
struct flight *output_next_done(struct output *output);

/* Bytes in memory. */
size_t output_backlog(const struct output *output);

/* True while chunks of an output are sure to come soon, or outputs wait for their turn. */
bool output_is_fetching(const struct output *output);
bool output_holds(const struct output *output);

/* True if what was written last on a terminal ends within a line. */
bool output_in_line(const struct output *output);

/* The descriptor that is to be polled for writing, -1 for none. I is 0 or 1. */
int output_wants(const struct output *output, int i);

#endif

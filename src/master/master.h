/*
 * The master: the part of rank 0 that owns a run: list, schedule, journal, output, verdict. A state
 * machine driven by messages and a time argument; it knows neither MPI nor processes nor hardware.
 *
 * Every task that was handed out is in flight until its output is out and its record is in the
 * journal; only then it counts as ended.
 */
#ifndef MASTER_MASTER_H
#define MASTER_MASTER_H

#include <stdbool.h>
#include <stdint.h>

struct master;
struct master_options;

struct master *master_new(const struct master_options *options);
void master_free(struct master *master);

/* That endpoint is gone, and what it had with it. */
void master_lost(struct master *master, int peer);

/* Once per turn of the loop: output, records, messages, screen. */
void master_turn(struct master *master, int64_t now_ns);

/* When master_turn() has something to do even if nothing happens; CLOCK_NEVER for never. */
int64_t master_deadline_ns(const struct master *master);

/* Stops the run: nothing new starts, what runs gets TERM, then KILL; the second time KILL at once.
 */
void master_interrupt(struct master *master, int64_t now_ns);

/* The longest its transport should sleep between polls. */
int64_t master_poll_cap_ns(const struct master *master, int64_t now_ns);

/* What to poll for reading: the task list's descriptor while it is waited for, else -1. */
int master_list_fd(const struct master *master);

/* What to poll for writing: I is 0 or 1; -1 for nothing. */
int master_output_fd(const struct master *master, int i);

/* True once every worker is through with the run. */
bool master_finished(const struct master *master);

/* True if a rank was lost that may be there still, only silent: nobody can wait for it. */
bool master_is_left(const struct master *master);

/* The exit code of mpbatch, once finished: 0 all succeeded, 1 some failed, 3 stopped early, 4 the
 * run itself failed. */
int master_exit_code(const struct master *master);

#endif

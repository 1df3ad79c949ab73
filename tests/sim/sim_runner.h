/*
 * The simulated runner: slots with a virtual clock. How long a task runs and what it prints follow
 * from its index and a seed, so that a schedule can be had again.
 */
#ifndef SIM_RUNNER_H
#define SIM_RUNNER_H

#include "exec/runner.h"

#include <stdbool.h>
#include <stdint.h>

struct sim_options {
	uint64_t seed;
	int64_t mean_ns;   /* of run times, exponentially spread, some of them 100 times as long */
	double death_rate; /* that a slot dies when it starts a task */
	double idle_death_rate; /* that it dies when it has nothing to do */
	double no_room_rate;	/* that no process can be made for a task at first */
	double close_rate;	/* that a slot does not come up, and is closed for ever */
	bool unsafe;		/* what slots have stored may be lost */
	double large_rate;	/* that an output must be fetched */
};

/* A deterministic number in [0, 1) from a seed and two more numbers. */
double sim_random(uint64_t seed, uint64_t a, uint64_t b);

/* A runner of SLOTS slots that takes the time from *NOW_NS. RUNS[index] counts how often a task was
 * started; LOST[index] how often a slot died under it. */
struct runner *sim_runner_new(
	int slots, const struct sim_options *options, const int64_t *now_ns, int *runs, int *lost);

/* The time of its next event, CLOCK_NEVER if none; and doing all that are due. */
int64_t sim_runner_next(const struct runner *runner);
void sim_runner_step(struct runner *runner);

/* Adds slots that run a task, or will when they are up, and those that could take one. */
void sim_runner_count(const struct runner *runner, int *busy, int *idle);

/* What a task prints, of sim_output_len() bytes; the caller frees it. */
char *sim_output(const struct sim_options *options, uint64_t index, unsigned long *len);

#endif

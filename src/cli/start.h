/*
 * What has to be in order before a run besides rank 0's plan: the launcher, the configuration that
 * rank 0 sends, slots on every rank. main() strings these together.
 */
#ifndef CLI_START_H
#define CLI_START_H

#include "comm/config.h"
#include "comm/launcher.h"
#include "comm/message.h"
#include "exec/setup.h"

#include <stdbool.h>

struct err;
struct options;
struct plan;
struct transport;

/* Refuses a start that would have every process run the whole list: -1 with ERR. JOINED is the size
 * of the MPI job, 0 before it is known. */
int start_check_launcher(const struct launcher *launcher, int joined, struct err *err);

/* What rank 0 tells all ranks. PLAN is empty, and REFUSED set, if it cannot be run. */
struct config start_config(const struct options *options, const struct plan *plan,
	const struct launcher *launcher, int ranks, bool refused);

/* Says so where rank 0's environment has tasks make more threads than they have cores. */
void start_check_threads(int cores);

/* The slots of this rank. */
struct slots {
	struct hello hello;   /* what the worker says of itself */
	struct setup *setups; /* one per slot */
};

/* Shares out the cores of this host among its ranks (collective under MPI). Returns 0, or -1 with
 * ERR. */
int start_slots(struct slots *slots, const struct config *config, const struct launcher *launcher,
	struct transport *transport, struct err *err);
void start_slots_clear(struct slots *slots);

/* A hash of PATH and LD_LIBRARY_PATH. */
uint64_t start_search_paths(void);

#endif

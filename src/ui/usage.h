/*
 * Where the time of the slots went: until the first task (start-up), running tasks, between tasks
 * (waiting), after the last one (tail). Three numbers a slot. The times of a slot are its host's;
 * so a host whose clock is off moves time between start-up and tail, and nothing else.
 */
#ifndef UI_USAGE_H
#define UI_USAGE_H

#include <stdbool.h>
#include <stdint.h>

struct result;

enum usage_part { USAGE_RUNNING, USAGE_START, USAGE_WAITING, USAGE_TAIL, USAGE_PARTS };

struct usage_slot {
	int64_t first_us; /* start of its first task; 0: it had none yet */
	int64_t last_us;  /* end of its last one */
	int64_t busy_us;
	bool idle; /* nothing was left for it after that */
};

/* Zero-initialised is empty and valid but for START_US. */
struct usage {
	int64_t start_us; /* of the run, Unix time */
	struct usage_slot *slots;
	int count;
};

void usage_clear(struct usage *usage);

/* The attempt has ended on SLOT, LEFT tasks have not ended yet, and NSLOTS slots are there. */
void usage_ended(
	struct usage *usage, int slot, const struct result *result, uint64_t left, int nslots);

/* For how many seconds each task that runs now has done so, as far as its slot's last end tells:
 * NSLOTS slots of which some have not ended any yet. AGES has room for NSLOTS; returns their
 * number. */
int usage_ages(const struct usage *usage, int nslots, int64_t now_us, double *ages);

/* The parts of NSLOTS slots' time up to END_US in tenths of a percent, which sum up to 1000. */
void usage_shares(const struct usage *usage, int nslots, int64_t end_us, int shares[USAGE_PARTS]);

#endif

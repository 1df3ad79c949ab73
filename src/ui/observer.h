/*
 * Observer: what happened in a run, for progress and reports. It only watches: nothing it does can
 * fail the run. (The journal is no observer: its order and its failure matter.)
 */
#ifndef UI_OBSERVER_H
#define UI_OBSERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct observer;
struct result;
struct task;

/* One attempt that has ended, its output out, its record written. */
struct observed_end {
	const struct task *task;
	const struct result *result;
	const char *host;
	int slot;	  /* its slot's number in the run, from 0; -1: only a lost worker knew */
	const char *tail; /* the end of its standard error */
	size_t tail_len;
};

/* Where the run stands. */
struct observed_run {
	uint64_t tasks;	      /* the number of tasks, 0 while unknown */
	bool about;	      /* it is an estimate */
	uint64_t done_before; /* of them, succeeded in earlier sessions */
	uint64_t skipped;     /* of them, not asked for */
	uint64_t handed_out;  /* of them, to workers or ended */
	int held;	      /* by workers now */
	int slots;	      /* open now */
	int busy;	      /* of them, with a task */
	int hosts;
	bool in_line; /* what was written last to our output ends within a line */
};

struct observer_ops {
	void (*ended)(struct observer *observer, const struct observed_end *end);
	/* Once per turn of the loop. */
	void (*turn)(struct observer *observer, const struct observed_run *run, int64_t now_ns);
	/* When the next turn should be at the latest, CLOCK_NEVER: whenever. NULL: as that. */
	int64_t (*due_ns)(const struct observer *observer);
	/* Outputs of tasks are about to be written where a progress line may stand. NULL: fine. */
	void (*output)(struct observer *observer);
	/* Tasks a second lately, and seconds to the end, negative: not known. NULL: neither is. */
	void (*forecast)(const struct observer *observer, double *rate, double *eta_s);
};

/* The head of every observer. */
struct observer {
	const struct observer_ops *ops;
};

#endif

/*
 * Observer: what happened in a run, for progress and reports. It only watches: nothing it does can
 * fail the run. (The journal is no observer: its order and its failure matter.)
 */
#ifndef UI_OBSERVER_H
#define UI_OBSERVER_H

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
	const char *tail; /* the end of its standard error */
	size_t tail_len;
};

/* Where the run stands. */
struct observed_run {
	uint64_t tasks;	     /* the number of tasks, 0 while unknown */
	uint64_t handed_out; /* of them, to workers or ended */
	int held;	     /* by workers now */
	int slots;
	int hosts;
};

struct observer_ops {
	void (*ended)(struct observer *observer, const struct observed_end *end);
	/* Once per turn of the loop. */
	void (*turn)(struct observer *observer, const struct observed_run *run, int64_t now_ns);
};

/* The head of every observer. */
struct observer {
	const struct observer_ops *ops;
};

#endif

/* How one attempt at a task ended: filled by the executor, carried to rank 0, recorded there. */
#ifndef TASKS_RESULT_H
#define TASKS_RESULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct unpack;

enum result_reason {
	RESULT_OK,	  /* exit code 0 */
	RESULT_EXIT,	  /* another exit code */
	RESULT_SIGNAL,	  /* ended by a signal */
	RESULT_TIMEOUT,	  /* stopped at its time limit */
	RESULT_OOM,	  /* killed by the kernel for memory */
	RESULT_SPAWN,	  /* could not be started: see step and error */
	RESULT_OUTPUT,	  /* its output could not be kept: a full disk */
	RESULT_LOST,	  /* its executor or rank died: how it ended is unknown */
	RESULT_CANCELLED, /* stopped by an interrupt, ours or the scheduler's */
	RESULT_REASONS
};

/* How a task is answered for that was asked back, or that comes back unasked. */
enum recalled {
	RECALLED_LATE,	  /* it runs, or has ended */
	RECALLED_GIVEN,	  /* it has not started, and will not */
	RECALLED_NO_ROOM, /* so too, because no process could be made for it */
};

/* Where tasks' outputs go: --output. */
enum output_mode {
	OUTPUT_GROUP, /* to ours, each task's whole, as it ends */
	OUTPUT_LINE,  /* to ours, line by line, as they come */
	OUTPUT_NONE,
	OUTPUT_FILES, /* to files of the task's own */
	OUTPUT_STORE, /* to the slot's file in the run directory */
	OUTPUT_MODES
};
extern const char *const output_mode_names[OUTPUT_MODES];

enum result_via {
	RESULT_VIA_DIRECT, /* split and exec'd by us */
	RESULT_VIA_SH,	   /* through /bin/sh, or another shell of that name */
	RESULT_VIA_BASH,
	RESULT_VIA_SHELL, /* through another one */
	RESULT_VIAS
};

/* Which step of starting a task failed. */
enum result_step {
	STEP_NONE,
	STEP_CLONE, /* no process could be made */
	STEP_GROUP, /* setpgid(2) */
	STEP_DEATH, /* prctl(2) PR_SET_PDEATHSIG, or the parent is gone */
	STEP_CWD,   /* chdir(2) */
	STEP_INPUT, /* opening standard input */
	STEP_EXEC,  /* execve(2) */
	STEPS
};

struct result {
	uint64_t index;
	uint16_t attempt;
	uint16_t slot; /* which of the worker's slots, from 0 */
	uint8_t reason;
	uint8_t via;
	uint8_t step; /* RESULT_SPAWN: the failing step, enum result_step */
	bool offered; /* the output did not fit here: rank 0 fetches it (OUT_OFFER) */
	bool away;    /* it is in files, in the store or dropped: nothing of it comes but TAIL */
	bool stored;  /* it is in the store: */
	uint64_t stored_at; /* offset in the file of session, rank and slot */
	uint64_t stored_sum;
	int32_t exit_code; /* meaningful if signal is 0 */
	int32_t signal;	   /* 0: it exited */
	int32_t error;	   /* errno: it could not be started, or its output not be kept; else 0 */
	uint32_t strays;   /* descendants left behind when the main process ended */
	int64_t start_us;  /* Unix time */
	int64_t runtime_ns;
	int64_t user_us;   /* user CPU time */
	int64_t system_us; /* system CPU time */
	int64_t maxrss_kib;
	uint64_t out_bytes; /* standard output in all */
	uint64_t err_bytes; /* standard error in all */
	const char *out;    /* out_bytes of it unless offered or away; borrowed */
	const char *err;
	size_t tail_len; /* of an output that is away: the end of its standard error */
	const char *tail;
};

/* The names in journal and summary: "ok", "exit", … and "direct", "sh", … */
extern const char *const result_reason_names[RESULT_REASONS];
extern const char *const result_via_names[RESULT_VIAS];

/* "change directory", …; any number is answered. */
const char *result_step_name(int step);

/* Bytes in frames and messages; unpacked OUT and ERR point into the message. */
void result_pack(struct buf *buf, const struct result *result);
struct result result_unpack(struct unpack *in);

#endif

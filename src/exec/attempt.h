/*
 * One attempt at a task, from its spawn until nothing of it is left.
 *
 *   IDLE -> ALIVE -> (TERMINATING -> KILLING) -> no process is left -> (DOUBTFUL) -> DRAINING
 *        -> ENDED -> IDLE
 *
 * TERMINATING begins when the attempt is stopped, or when its main process has ended and has left
 * others; KILLING, when the time of these is over. Strays that are to be kept do not count as left,
 * unless the attempt was stopped.
 *
 * It sends nothing: the executor looks at it once a turn.
 */
#ifndef EXEC_ATTEMPT_H
#define EXEC_ATTEMPT_H

#include "exec/capture.h"
#include "exec/command.h"
#include "exec/ending.h"
#include "exec/environment.h"
#include "exec/leftover.h"
#include "exec/setup.h"
#include "exec/sink.h"
#include "exec/tree.h"
#include "tasks/result.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct spawn_failure;
struct task;

/* What all attempts of a slot share. */
struct slot {
	struct setup setup;
	struct capture_options capture_options;
	struct environment environment;
	struct command command;
	struct command_cache cache;
	struct capture_pipes pipes;
	struct leftover leftover;
	struct sink sink;
	int64_t signalled_ns; /* when a TERM or USR1 last came to this process; 0: never */
	struct tree kept;     /* strays of earlier attempts, with --stray keep */
	int unkillable;	      /* processes that stay, whatever is done: start nothing more */
};

enum attempt_phase {
	ATTEMPT_IDLE,
	ATTEMPT_ALIVE,
	ATTEMPT_TERMINATING, /* its processes have had TERM; KILL at the deadline */
	ATTEMPT_KILLING,     /* they have had KILL, and get it again at each deadline */
	ATTEMPT_DOUBTFUL,    /* it ended as by a signal to all: has one come to us as well? */
	ATTEMPT_DRAINING,    /* no process is left, but the spool is full */
	ATTEMPT_ENDED,	     /* result and capture are complete, the sink has what is its */
};

struct attempt {
	enum attempt_phase phase;
	struct task *task; /* owned */
	pid_t pid;	   /* 0 once reaped */
	int script_fd;	   /* what a shell reads a very long line from; 0: none */
	int64_t start_ns;
	int64_t deadline_ns;
	int64_t kill_ns; /* when KILLING began */
	struct ending ending;
	bool stopped; /* it was told to end, for stop_reason */
	enum result_reason stop_reason;
	bool full[2]; /* the capture of that stream takes no more until some is taken out */
	struct result result;
	struct capture capture;
};

/*
 * Starts TASK and takes it over; makes its directory if that is missing. Afterwards the phase is
 * ALIVE, or ENDED with reason RESULT_SPAWN or RESULT_OUTPUT, or still IDLE when the system has no
 * room for another process: then the task is still the caller's, who tries again later.
 */
void attempt_start(struct attempt *attempt, struct slot *slot, struct task *task);

/* TERM now and KILL after GRACE_NS, to all processes of the attempt; KILL at once if that is 0.
 * Told again it can only become sooner. An attempt whose main process has ended by itself is left
 * to end so. */
void attempt_stop(
	struct attempt *attempt, struct slot *slot, enum result_reason reason, int64_t grace_ns);

/* After SIGCHLD: reaps, and carries on as the phase demands. */
void attempt_reap(struct attempt *attempt, struct slot *slot);

/* Reads what the pipe of stream I holds; in DRAINING, call it for the streams that were full. Stops
 * the task if its output cannot be stored. */
void attempt_read(struct attempt *attempt, struct slot *slot, int i);

/* The next time attempt_tick() has something to do, CLOCK_NEVER for none. */
int64_t attempt_deadline(const struct attempt *attempt);
void attempt_tick(struct attempt *attempt, struct slot *slot, int64_t now);

/* ENDED to IDLE: frees the task; the capture keeps its memory for the next. */
void attempt_reset(struct attempt *attempt);

#endif

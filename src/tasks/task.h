/*
 * A task: one command to run, with what belongs to it. It is one heap block, strings included, that
 * task_free() releases; whoever holds the pointer owns it.
 */
#ifndef TASKS_TASK_H
#define TASKS_TASK_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct unpack;

/* What a task needs of a host while it runs; what a slot offers is of the same shape. */
struct need {
	uint16_t cores;
	uint16_t gpus;
	uint32_t memory_mib; /* 0: not counted */
};

/* What must have ended before a task may start: everything before it. Rank 0 only. */
enum task_barrier {
	BARRIER_NONE,
	BARRIER_WAIT,  /* all of it has ended */
	BARRIER_CHECK, /* and succeeded */
};

struct task {
	uint64_t index;	  /* 1-based place among the tasks */
	uint64_t line;	  /* 1-based line of the list it came from, 0: none; rank 0 only */
	uint16_t attempt; /* 1 at the first try */
	enum task_barrier barrier;
	uint64_t id;	/* what task_identity() returns; 0: what it computes; rank 0 only */
	uint64_t order; /* number among the tasks that are run, from 0; rank 0 only */
	struct need need;
	uint32_t timeout_ms; /* 0: none */
	size_t command_len;  /* bytes, without the NUL behind them */
	size_t env_len;	     /* bytes of ENV in all, NULs included */
	const char *command; /* as the user wrote it */
	const char *shell;   /* with its options, runs COMMAND; "": /bin/sh, where one is needed */
	const char *cwd;     /* "": where mpbatch was started; made if missing */
	/* Paths, from CWD if they are relative, as in `cd CWD && COMMAND < INPUT > OUT`. */
	const char *input; /* standard input; "": /dev/null */
	const char *out;   /* with --output files: standard output; "": dropped */
	const char *err;   /* the same of standard error; equal to OUT: both into one, in order */
	const char *tag;   /* prefix of its lines in our output; rank 0 only */
	const char *env;   /* NAME=value strings, each ending in NUL, one after the other */
};

/* The need of a task that asks for nothing: one core. */
extern const struct need need_default;

/* Copies what FROM points to into one new block, which the caller frees. Strings that are NULL in
 * FROM become "". */
struct task *task_new(const struct task *from);
void task_free(struct task *task);

/* The number of the array's element that the task is, digits that its variable SLURM_ARRAY_TASK_ID
 * has, *LEN of them, borrowed from ENV; 0: it is none. */
const char *task_element(const struct task *task, size_t *len);

/* About how many bytes the task takes in memory or in a message. */
size_t task_bytes(const struct task *task);

/* Bytes in frames and messages (docs/PROTOCOL.md). task_unpack() returns a new task, NULL if bad.
 */
void task_pack(struct buf *buf, const struct task *task);
struct task *task_unpack(struct unpack *in);

/* What the task *is*, in 64 bits: FNV-1a over command, working directory, input and variables in
 * the order of their names, but those that say of which job and how large an array the task is. Not
 * where its output goes, its time limit or its shell. Where its number fills a template the source
 * has set ID, in which it has no part. */
uint64_t task_identity(const struct task *task);

#endif

/*
 * What earlier sessions of a run directory have done, matched with the tasks of a list that may
 * have changed since. A task is known by its identity (task_identity()), and identities are a
 * multiset: k successes cancel the first k equal tasks, wherever lines were inserted, removed or
 * moved.
 *
 * In memory: the identities by position, 8 bytes a task; a task at its old place is matched by
 * looking there, what does not match is sorted, in the same memory, however much it is.
 *
 * Life: resume_load(); resume_place() for every task of the list as far as resume_known() goes, in
 * order (the first pass); resume_placed(); then resume_verdict() for every task in order, once, and
 * after resume_again() once more.
 */
#ifndef RUN_RESUME_H
#define RUN_RESUME_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct resume;

/* Reads all journals of RUN_DIR. A success whose output in the store is missing or does not match
 * its sum counts as never run. NULL with ERR if one cannot be read. */
struct resume *resume_load(const char *run_dir, struct err *err);
void resume_free(struct resume *resume);

enum resume_verdict {
	RESUME_NEW,    /* never tried, or cancelled */
	RESUME_FAILED, /* tried, and has not succeeded */
	RESUME_DONE,
};

struct resume_counts {
	int sessions;	       /* there have been; the next is one more */
	uint64_t succeeded;    /* tasks that have, of any list there was */
	uint64_t failed;       /* tried and have not */
	uint64_t damaged;      /* lines of journals passed over */
	uint64_t lost_outputs; /* successes whose stored output is gone */
};
struct resume_counts resume_counts(const struct resume *resume);

/* The highest index any journal knows: the first pass may stop there. */
uint64_t resume_known(const struct resume *resume);

/* First pass: the task at position INDEX is ID. */
void resume_place(struct resume *resume, uint64_t index, uint64_t id);
void resume_placed(struct resume *resume);

/* Second pass: what is known of that task; what it is matched with is used up. */
enum resume_verdict resume_verdict(struct resume *resume, uint64_t index, uint64_t id);

/* At INDEX stood a task of an earlier session that has succeeded. */
bool resume_was_done_at(const struct resume *resume, uint64_t index);

/* A success of that id has matched none of the tasks whose verdict was asked. */
bool resume_is_unmatched(const struct resume *resume, uint64_t id);

/* Back to where no verdict was asked. */
void resume_again(struct resume *resume);

/* The last task whose verdict was asked; 0: none. */
uint64_t resume_asked(const struct resume *resume);

/* Of the tasks whose verdict was not asked yet, how many are certain to be done: at their place. */
uint64_t resume_ahead(const struct resume *resume);

/* How many were matched at another place than where they were, and how many successes match no task
 * (their lines are gone): the latter once all verdicts were asked. */
uint64_t resume_moved(const struct resume *resume);
uint64_t resume_unmatched(const struct resume *resume);

#endif

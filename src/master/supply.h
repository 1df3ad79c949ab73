/*
 * The supply: which task runs next. It takes tasks from the source, leaves out what earlier
 * sessions have done or the user did not ask for, holds back what stands behind a barrier, and
 * hands out again what came back unstarted.
 *
 * A task is with the supply until supply_take(), then it is out, until supply_give_back() or
 * supply_resolve(). A barrier waits until none is out.
 */
#ifndef MASTER_SUPPLY_H
#define MASTER_SUPPLY_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct ledger;
struct resume;
struct source;
struct supply;
struct task;

struct supply_options {
	struct source *source;	      /* not owned */
	struct resume *resume;	      /* not owned: what is done already; NULL: nothing is */
	bool leave_failed, leave_new; /* of what is not done, which half not to run */
	struct ledger *ledger;	      /* not owned: what was left out; may be NULL without RESUME */
};

enum supply_found {
	SUPPLY_TASK,
	SUPPLY_NONE,   /* not now, or never again: supply_is_empty() */
	SUPPLY_AGAIN,  /* many were left out; ask again when the loop has had its turn */
	SUPPLY_BAD,    /* ERR: the list is bad, or has changed */
	SUPPLY_BARRED, /* ERR: a barrier that checks is not passed */
};

struct supply *supply_new(const struct supply_options *options);
void supply_free(struct supply *supply);

/* Looks for the task that runs next; supply_next() shows it then. After SUPPLY_BAD and
 * SUPPLY_BARRED the supply is to be closed. */
enum supply_found supply_look(struct supply *supply, struct err *err);
const struct task *supply_next(const struct supply *supply);

/* The task of supply_next(), the caller's now. */
struct task *supply_take(struct supply *supply);

/* A task that was taken has not been started: it is the supply's again, and runs before others. */
void supply_give_back(struct supply *supply, struct task *task);

/* A task that was taken has come to its end. */
void supply_resolve(struct supply *supply, bool succeeded);

/* Nothing more is handed out; what is here, and what is given back, is freed. */
void supply_close(struct supply *supply);

/* True if there will be no further task but those that are given back. */
bool supply_is_empty(const struct supply *supply);

/* True if none can be had before one that is out has ended. */
bool supply_is_dry(const struct supply *supply);

/* How many tasks are here, supply_next() among them; an estimate for long lists. */
uint64_t supply_remaining(const struct supply *supply);

/* The number of tasks of the run, ABOUT if it is an estimate (a long list's is, until its end is
 * seen); 0 if nobody knows. */
uint64_t supply_tasks(const struct supply *supply, bool *about);

/* Of the tasks so far: done by earlier sessions; neither done nor asked for. */
uint64_t supply_done_before(const struct supply *supply);
uint64_t supply_left_out(const struct supply *supply);

/* As far as is certain, also of those that are still to come. */
uint64_t supply_all_done_before(const struct supply *supply);

/* What to poll for reading while the list is waited for, else -1. */
int supply_fd(const struct supply *supply);

#endif

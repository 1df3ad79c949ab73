/* How a flight ends: the task came back unstarted, or its attempt ended and is recorded. */
#ifndef MASTER_LANDING_H
#define MASTER_LANDING_H

#include "tasks/result.h"

struct flight;
struct master;

/* The worker of FLIGHT has answered for it, if it was asked. */
void master_recall_answered(struct master *master, struct flight *flight);

/* The task came back: it was not started. */
void master_task_returned(struct master *master, struct flight *flight);

/* The attempt ended with RESULT, whose strings are valid during the call. */
void master_task_ended(struct master *master, struct flight *flight, const struct result *result);

/* The attempt ended for REASON, as far as rank 0 knows: nobody can tell more. */
void master_task_gone(struct master *master, struct flight *flight, enum result_reason reason);

/* So have all flights of WORKER that have not ended or whose output is not here; -1: of all. */
void master_all_gone(struct master *master, int worker, enum result_reason reason);

/* Records the attempts whose output is out: a success is recorded only then. */
void master_record(struct master *master);

#endif

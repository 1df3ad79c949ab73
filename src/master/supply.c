/* Which task runs next. */
#include "master/supply.h"

#include "base/err.h"
#include "base/log.h"
#include "master/ledger.h"
#include "run/resume.h"
#include "tasks/source.h"
#include "tasks/task.h"

#include <stdlib.h>

enum { SKIPPED_A_TURN = 20000 };

struct supply {
	struct supply_options options;
	struct task **returned; /* given back: handed out again first */
	size_t nreturned, returned_room;
	struct task *next;	  /* the task that runs next */
	struct task *barred;	  /* taken from the source; waits for all before it */
	enum task_barrier passed; /* barriers of tasks that were left out */
	uint64_t order;		  /* tasks taken from the source to be run */
	uint64_t out;
	uint64_t unsucceeded; /* of those resolved */
	uint64_t done_before;
	uint64_t left_out;
	bool waits; /* the list has nothing now */
	bool ended; /* the source has no more */
	bool closed;
};

struct supply *
supply_new(const struct supply_options *options)
{
	struct supply *supply = xcalloc(1, sizeof(*supply));
	supply->options = *options;
	return supply;
}

void
supply_close(struct supply *supply)
{
	supply->closed = true;
	supply->waits = false;
	task_free(supply->next);
	task_free(supply->barred);
	supply->next = supply->barred = NULL;
	while (supply->nreturned)
		task_free(supply->returned[--supply->nreturned]);
}

void
supply_free(struct supply *supply)
{
	if (!supply)
		return;
	supply_close(supply);
	free(supply->returned);
	free(supply);
}

/* --- the source, and what is left out --- */

static enum task_barrier
stronger(enum task_barrier a, enum task_barrier b)
{
	return a > b ? a : b;
}

/* Is TASK to be run in this session? */
static bool
is_asked_for(struct supply *supply, const struct task *task)
{
	const struct supply_options *options = &supply->options;
	if (!options->resume)
		return true;
	enum resume_verdict verdict =
		resume_verdict(options->resume, task->index, task_identity(task));
	if (verdict == RESUME_DONE) {
		supply->done_before++;
		ledger_set(options->ledger, task->index, LEDGER_SUCCEEDED);
		return false;
	}
	if (verdict == RESUME_FAILED ? !options->leave_failed : !options->leave_new)
		return true;
	supply->left_out++;
	if (verdict == RESUME_FAILED)
		ledger_set(options->ledger, task->index, LEDGER_FAILED);
	return false;
}

/* What source_next() has to say, without the tasks that are left out; of those so many a turn. */
static enum next
take_from_source(struct supply *supply, struct task **task, struct err *err)
{
	for (int left = SKIPPED_A_TURN; left; left--) {
		enum next next = source_next(supply->options.source, task, err);
		if (next == NEXT_AGAIN)
			break;
		if (next != NEXT_ONE)
			return next;
		(*task)->barrier = stronger((*task)->barrier, supply->passed);
		supply->passed = BARRIER_NONE;
		if (is_asked_for(supply, *task)) {
			(*task)->order = supply->order++;
			return next;
		}
		supply->passed = (*task)->barrier;
		task_free(*task);
	}
	return NEXT_AGAIN;
}

static enum next
read_source(struct supply *supply, struct err *err)
{
	struct task *task;
	enum next next = take_from_source(supply, &task, err);
	supply->waits = next == NEXT_WAIT;
	supply->ended = next == NEXT_END;
	if (next == NEXT_ONE && task->barrier)
		supply->barred = task;
	else if (next == NEXT_ONE)
		supply->next = task;
	return next;
}

/* Everything before the barrier has ended: may what is behind it begin? */
static int
pass_barrier(struct supply *supply, struct err *err)
{
	uint64_t open = supply->unsucceeded + supply->left_out;
	if (supply->barred->barrier == BARRIER_CHECK && open)
		return err_set(err,
			"task %llu waits for a barrier that checks, and %llu task%s before it "
			"ha%s not succeeded",
			(unsigned long long)supply->barred->index, (unsigned long long)open,
			open == 1 ? "" : "s", open == 1 ? "s" : "ve");
	supply->next = supply->barred;
	supply->barred = NULL;
	return 0;
}

/* --- giving out --- */

enum supply_found
supply_look(struct supply *supply, struct err *err)
{
	enum next next = NEXT_ONE;
	if (!supply->next && supply->nreturned)
		supply->next = supply->returned[--supply->nreturned];
	if (!supply->next && !supply->barred && !supply->ended && !supply->closed)
		next = read_source(supply, err);
	if (next == NEXT_ERROR || next == NEXT_AGAIN)
		return next == NEXT_ERROR ? SUPPLY_BAD : SUPPLY_AGAIN;
	if (!supply->next && supply->barred && !supply->out && pass_barrier(supply, err) < 0)
		return SUPPLY_BARRED;
	return supply->next ? SUPPLY_TASK : SUPPLY_NONE;
}

const struct task *
supply_next(const struct supply *supply)
{
	return supply->next;
}

struct task *
supply_take(struct supply *supply)
{
	struct task *task = supply->next;
	supply->next = NULL;
	supply->out++;
	return task;
}

void
supply_give_back(struct supply *supply, struct task *task)
{
	supply->out--;
	if (supply->closed) {
		task_free(task);
		return;
	}
	if (supply->nreturned == supply->returned_room) {
		supply->returned_room = supply->returned_room ? 2 * supply->returned_room : 64;
		supply->returned = xrealloc(
			supply->returned, supply->returned_room * sizeof(*supply->returned));
	}
	supply->returned[supply->nreturned++] = task;
}

void
supply_resolve(struct supply *supply, bool succeeded)
{
	supply->out--;
	supply->unsucceeded += !succeeded;
}

/* --- what is left --- */

bool
supply_is_empty(const struct supply *supply)
{
	return (supply->ended || supply->closed) && !supply->next && !supply->barred &&
	       !supply->nreturned;
}

bool
supply_is_dry(const struct supply *supply)
{
	return (supply->ended || supply->closed || supply->barred) && !supply->next &&
	       !supply->nreturned;
}

uint64_t
supply_remaining(const struct supply *supply)
{
	uint64_t here = (supply->next != NULL) + supply->nreturned;
	return here + (supply->ended ? 0 : source_remaining(supply->options.source));
}

uint64_t
supply_tasks(const struct supply *supply, bool *about)
{
	const struct source *source = supply->options.source;
	uint64_t tasks = source_count(source);
	*about = !tasks && source_fd(source) < 0 && !supply->ended;
	return *about ? supply->order + supply->done_before + supply->left_out +
				source_remaining(source)
		      : tasks;
}

uint64_t
supply_done_before(const struct supply *supply)
{
	return supply->done_before;
}

uint64_t
supply_all_done_before(const struct supply *supply)
{
	const struct resume *resume = supply->options.resume;
	return supply->done_before + (resume ? resume_ahead(resume) : 0);
}

uint64_t
supply_left_out(const struct supply *supply)
{
	return supply->left_out;
}

int
supply_fd(const struct supply *supply)
{
	return supply->waits ? source_fd(supply->options.source) : -1;
}

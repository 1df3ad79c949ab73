/* Earlier sessions and the list: the first passes over it. */
#include "cli/earlier.h"

#include "base/err.h"
#include "base/log.h"
#include "cli/options.h"
#include "cli/paths.h"
#include "cli/plan.h"
#include "run/resume.h"
#include "tasks/task.h"

#include <stdbool.h>

/* The first pass, as far as any journal knows; *READ tasks, up to the end of the list if ENDED. */
static int
place_all(struct plan *plan, uint64_t *read, bool *ended, struct err *err)
{
	enum next next = NEXT_ONE;
	for (uint64_t left = resume_known(plan->resume); left && next == NEXT_ONE; left--) {
		struct task *task;
		next = plan_next(plan->source, &task, err);
		if (next != NEXT_ONE)
			break;
		resume_place(plan->resume, task->index, task_identity(task));
		task_free(task);
		++*read;
	}
	*ended = next == NEXT_END;
	resume_placed(plan->resume);
	return next == NEXT_ERROR ? -1 : source_rewind(plan->source, err);
}

/* Will a task of which that is known run in this session? */
static bool
runs(const struct plan *plan, enum resume_verdict verdict)
{
	enum resume_how how = plan->options->resume;
	return verdict == RESUME_NEW	  ? how != RESUME_ONLY_FAILED
	       : verdict == RESUME_FAILED ? how != RESUME_ONLY_NEW
					  : false;
}

/* The session before it runs, as far as LIMIT tasks. */
static int
rehearse(struct plan *plan, struct paths *done, uint64_t limit, struct err *err)
{
	enum next next = NEXT_ONE;
	int got = 0;
	for (; limit && got == 0; limit--) {
		struct task *task;
		next = plan_next(plan->source, &task, err);
		if (next != NEXT_ONE)
			break;
		enum resume_verdict verdict =
			resume_verdict(plan->resume, task->index, task_identity(task));
		if (runs(plan, verdict))
			got = paths_check_task(done, task, err);
		task_free(task);
	}
	resume_again(plan->resume);
	return got < 0 || next == NEXT_ERROR ? -1 : source_rewind(plan->source, err);
}

static int
check_files(struct plan *plan, uint64_t limit, struct err *err)
{
	if (plan->output != OUTPUT_FILES || !resume_counts(plan->resume).succeeded)
		return 0;
	struct paths *done = paths_of_done(plan->run_dir, err);
	int got = done ? rehearse(plan, done, limit, err) : -1;
	paths_free(done);
	return got;
}

static void
say_damages(struct resume_counts counts)
{
	if (counts.damaged)
		log_warning("%llu damaged line%s of earlier journals: what they said counts as not "
			    "done",
			(unsigned long long)counts.damaged, counts.damaged == 1 ? "" : "s");
	if (counts.lost_outputs)
		log_warning(
			"%llu stored output%s missing or damaged: their tasks count as not done",
			(unsigned long long)counts.lost_outputs,
			counts.lost_outputs == 1 ? " is" : "s are");
}

int
earlier_load(struct plan *plan, struct err *err)
{
	uint64_t read = 0;
	bool ended = false;
	plan->session = 1;
	if (!plan->run_dir || !plan->options->resume)
		return 0;
	plan->resume = resume_load(plan->run_dir, err);
	if (!plan->resume || place_all(plan, &read, &ended, err) < 0)
		return -1;
	struct resume_counts counts = resume_counts(plan->resume);
	plan->session = counts.sessions + 1;
	say_damages(counts);
	bool more = source_fd(plan->source) < 0 && !ended;
	return check_files(plan, more ? read + EARLIER_AHEAD : read, err);
}

/* Earlier sessions and the list: the first passes over it. */
#include "cli/earlier.h"

#include "base/err.h"
#include "base/log.h"
#include "cli/journals.h"
#include "cli/options.h"
#include "cli/paths.h"
#include "cli/plan.h"
#include "run/resume.h"
#include "tasks/task.h"

#include <stdbool.h>
#include <stdio.h>

/* A task of an earlier session. */
struct old {
	int session;
	char command[100];
};

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

/* The last record of a success at INDEX; JOURNALS are those of all sessions, from their beginning.
 */
static bool
find_done_at(struct journals *journals, uint64_t index, struct old *old)
{
	struct reader_record record;
	struct err ignored;
	bool found = false;
	while (journals_next(journals, &record, &ignored) > 0) {
		if (record.result.index != index || record.result.reason != RESULT_OK)
			continue;
		old->session = record.session;
		snprintf(old->command, sizeof(old->command), "%.*s",
			record.command.len < sizeof(old->command) ? (int)record.command.len : 99,
			record.command.text);
		found = true;
	}
	return found;
}

/* What has the number in it, of files above all, would be had by two tasks. */
static int
check_number(const struct plan *plan, const struct task *task, struct err *err)
{
	if (!source_is_numbered(plan->source) || !resume_was_done_at(plan->resume, task->index))
		return 0;
	struct old old = {0};
	struct journals *journals = journals_open(plan->run_dir, 0, err);
	if (journals && find_done_at(journals, task->index, &old))
		err_set(err,
			"task %llu, '%.100s', would have in it the number that '%s' of session %d "
			"had, which is done: expected new tasks behind the others, or values "
			"rather than {#}",
			(unsigned long long)task->index, task->command, old.command, old.session);
	journals_free(journals);
	return -1;
}

/* The session before it runs, as far as LIMIT tasks. DONE: files of tasks that are; NULL: none. */
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
		if (runs(plan, verdict)) {
			got = check_number(plan, task, err);
			if (got == 0 && done)
				got = paths_check_task(done, task, err);
		}
		task_free(task);
	}
	resume_again(plan->resume);
	return got < 0 || next == NEXT_ERROR ? -1 : source_rewind(plan->source, err);
}

static int
check_clashes(struct plan *plan, uint64_t limit, struct err *err)
{
	bool files = plan->output == OUTPUT_FILES;
	if (!resume_counts(plan->resume).succeeded || (!files && !source_is_numbered(plan->source)))
		return 0;
	struct paths *done = files ? paths_of_done(plan->run_dir, err) : NULL;
	int got = done || !files ? rehearse(plan, done, limit, err) : -1;
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
	return check_clashes(plan, more ? read + EARLIER_AHEAD : read, err);
}

/* Earlier sessions and the list: the first passes over it. */
#include "cli/earlier.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "cli/journals.h"
#include "cli/options.h"
#include "cli/paths.h"
#include "cli/plan.h"
#include "run/record.h"
#include "run/resume.h"
#include "tasks/task.h"

#include <stdbool.h>

/* A task of an earlier session. */
struct old {
	uint64_t index;
	int session;
	struct buf command; /* as its journal has it, ended by NUL; empty: there is none */
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

/* --- what is done, and was something else --- */

enum { SHOWN = 100, SHOWN_BEFORE = 20 };

static void
take_old(struct old *old, const struct reader_record *record)
{
	old->index = record->result.index;
	old->session = record->session;
	buf_consume(&old->command, old->command.len);
	buf_append(&old->command, record->command.text, record->command.len);
	buf_append(&old->command, "", 1);
}

/* The last success at INDEX; or, with 0, the first, by index, that no task was matched with. */
static int
find_old(const struct plan *plan, uint64_t index, struct old *old, struct err *err)
{
	struct reader_record record;
	struct journals *journals = journals_open(plan->run_dir, 0, err);
	int got = journals ? 1 : -1;
	while (got > 0 && (got = journals_next(journals, &record, err)) > 0) {
		uint64_t at = record.result.index;
		bool found = index ? at == index : !old->index || at <= old->index;
		if (found && record.result.reason == RESULT_OK &&
			(index || resume_is_unmatched(plan->resume, record.id)))
			take_old(old, &record);
	}
	journals_free(journals);
	return got;
}

/* The command from a little before FROM on. */
static void
show(struct buf *text, const char *command, size_t from)
{
	bool cut = from > SHOWN / 2;
	buf_printf(text, cut ? "'...%.*s'" : "'%.*s'", SHOWN,
		command + (cut ? from - SHOWN_BEFORE : 0));
}

/* "task 3 was 'echo a' and is 'echo b' now" */
static void
describe(struct buf *text, const struct old *old, const struct task *now)
{
	struct buf command = {0};
	size_t same = 0;
	if (now)
		record_escape(&command, now->command, now->command_len);
	buf_append(&command, "", 1);
	while (old->command.data[same] && old->command.data[same] == command.data[same])
		same++;
	buf_printf(text, "task %llu", (unsigned long long)old->index);
	if (now && !old->command.data[same] && !command.data[same]) {
		buf_append_string(text, ", ");
		show(text, command.data, 0);
		buf_append_string(text,
			", has another directory, input or variables now (or an older "
			"mpbatch counted in what it does not)");
	} else {
		buf_append_string(text, " was ");
		show(text, old->command.data, now ? same : 0);
		buf_append_string(text, now ? " and is " : ", where the list has none now");
	}
	if (now && (old->command.data[same] || command.data[same])) {
		show(text, command.data, same);
		buf_append_string(text, " now");
	}
	buf_append(text, "", 1);
	buf_clear(&command);
}

/* The first task that is done and not in the list, and what stands in its place. */
static int
describe_first(struct plan *plan, struct buf *text, struct err *err)
{
	struct old old = {0};
	struct task *task = NULL;
	enum next next = NEXT_ONE;
	if (find_old(plan, 0, &old, err) < 0 || source_rewind(plan->source, err) < 0)
		next = NEXT_ERROR;
	for (uint64_t i = 0; i < old.index && next == NEXT_ONE; i++) {
		task_free(task);
		task = NULL;
		next = plan_next(plan->source, &task, err);
	}
	if (next != NEXT_ERROR && old.index)
		describe(text, &old, next == NEXT_ONE ? task : NULL);
	task_free(task);
	buf_clear(&old.command);
	return next == NEXT_ERROR ? -1 : 0;
}

/* All verdicts were asked (WHOLE), or of more tasks than were known: which of what is done is gone?
 */
static int
check_gone(struct plan *plan, bool whole, struct err *err)
{
	uint64_t gone = resume_unmatched(plan->resume);
	uint64_t done = resume_counts(plan->resume).succeeded;
	struct buf text = {0};
	plan->gone_is_said = whole;
	if (!gone || (!whole && gone < done))
		return 0;
	int got = describe_first(plan, &text, err);
	if (got == 0 && gone == done && !plan->options->resume_changed)
		got = err_set(err,
			"none of the %llu tasks that are done is in the list: %s. Expected the "
			"list as it was, --resume-changed to run this one all the same, or "
			"--restart",
			(unsigned long long)done, text.data);
	else if (got == 0 && whole)
		log_warning("%llu task%s done before %s not in the list any more: %s",
			(unsigned long long)gone, gone == 1 ? "" : "s", gone == 1 ? "is" : "are",
			text.data);
	buf_clear(&text);
	return got;
}

/* What has the number in it, of files above all, would be had by two tasks. */
static int
check_number(const struct plan *plan, const struct task *task, struct err *err)
{
	struct old old = {0};
	if (plan->options->resume_changed || !source_is_numbered(plan->source) ||
		!resume_was_done_at(plan->resume, task->index))
		return 0;
	if (find_old(plan, task->index, &old, err) == 0 && old.index)
		err_set(err,
			"task %llu, '%.100s', would have in it the number that '%.100s' of "
			"session %d had, which is done: expected new tasks behind the others, "
			"values rather than {#}, or --resume-changed if that harms nothing",
			(unsigned long long)task->index, task->command, old.command.data,
			old.session);
	buf_clear(&old.command);
	return -1;
}

/* --- the session before it runs --- */

/* DONE: files of tasks that are; NULL: none. */
static int
check_task(struct plan *plan, struct paths *done, const struct task *task, struct err *err)
{
	if (!runs(plan, resume_verdict(plan->resume, task->index, task_identity(task))))
		return 0;
	if (check_number(plan, task, err) < 0)
		return -1;
	return done ? paths_check_task(done, task, err) : 0;
}

/* All verdicts are asked for, as far as LIMIT tasks, and then once more when it runs. */
static int
rehearse(struct plan *plan, struct paths *done, uint64_t limit, struct err *err)
{
	enum next next = NEXT_ONE;
	struct err clash;
	int clashes = 0;
	for (; limit; limit--) {
		struct task *task;
		next = plan_next(plan->source, &task, err);
		if (next != NEXT_ONE)
			break;
		if (!clashes)
			clashes = check_task(plan, done, task, &clash);
		else
			resume_verdict(plan->resume, task->index, task_identity(task));
		task_free(task);
	}
	if (next == NEXT_ERROR || check_gone(plan, next == NEXT_END, err) < 0)
		return -1;
	if (clashes < 0) {
		*err = clash;
		return -1;
	}
	plan->moved = resume_moved(plan->resume);
	resume_again(plan->resume);
	return source_rewind(plan->source, err);
}

static int
look_ahead(struct plan *plan, uint64_t limit, struct err *err)
{
	bool files = plan->output == OUTPUT_FILES;
	if (!resume_counts(plan->resume).succeeded ||
		(!files && !source_is_numbered(plan->source) && !resume_unmatched(plan->resume)))
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
	if (ended && !read && !counts.succeeded && resume_known(plan->resume) &&
		!plan->options->resume_changed)
		return err_set(err,
			"there is no task, and earlier sessions had some: expected the list or the "
			"values as they were, --resume-changed to end this run so, or --restart");
	say_damages(counts);
	bool more = source_fd(plan->source) < 0 && !ended;
	return look_ahead(plan, more || ended ? read + EARLIER_AHEAD : read, err);
}

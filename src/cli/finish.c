/* What stays in the run directory when a run has ended. */
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "cli/options.h"
#include "cli/plan.h"
#include "run/durable.h"
#include "run/journal.h"
#include "run/lock.h"
#include "run/resume.h"
#include "run/status.h"
#include "run/within.h"
#include "tasks/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_STOPPED = 3, EXIT_RUN_FAILED = 4, BLOCK_BYTES = 1 << 18 };

/* More than these are not written out: --resume knows them all the same. */
#define REMAINING_MAX UINT64_C(10000000)

/* One of the lists: a temporary file that takes its name once it is whole. */
struct list_file {
	const char *name;
	enum ledger_state state; /* of the tasks in it */
	struct listing listing;
	struct buf text;
	char path[4096], temporary[4096];
	int fd;
	bool failed;
};

static void
name_list_file(struct list_file *file, const char *run_dir)
{
	snprintf(file->path, sizeof(file->path), "%s/%s", run_dir, file->name);
	snprintf(file->temporary, sizeof(file->temporary), "%s/%s.new", run_dir, file->name);
}

static void
open_list_file(struct list_file *file, const char *run_dir)
{
	name_list_file(file, run_dir);
	file->fd = within_open(file->temporary, O_WRONLY | O_CREAT | O_TRUNC);
	file->failed = file->fd < 0;
}

static void
write_text(struct list_file *file)
{
	while (file->text.len && !file->failed) {
		ssize_t put = write(file->fd, file->text.data, file->text.len);
		file->failed = put < 0 && errno != EINTR;
		if (put > 0)
			buf_consume(&file->text, (size_t)put);
	}
	buf_consume(&file->text, file->text.len);
}

/* An empty list is none: nothing failed, or nothing remains. */
static void
close_list_file(struct list_file *file, bool whole)
{
	write_text(file);
	if (file->listing.written && !file->failed && fsync(file->fd) < 0 && errno != EINVAL)
		file->failed = true;
	if (file->fd >= 0 && close(file->fd) < 0)
		file->failed = true;
	if (file->failed)
		log_warning("%s: cannot be written", file->path);
	if (!whole || file->failed || !file->listing.written) {
		unlink(file->temporary);
		unlink(file->path);
	} else if (rename(file->temporary, file->path) < 0) {
		log_warning("%s: cannot be written", file->path);
	}
	listing_clear(&file->listing);
	buf_clear(&file->text);
}

static void
take(struct list_file *file, const struct task *task, enum ledger_state state)
{
	if (state == file->state)
		listing_add(&file->listing, &file->text, task);
	else
		listing_skip(&file->listing, task);
	if (file->text.len > BLOCK_BYTES)
		write_text(file);
}

/* What became of it; of a task that the run did not come to, what earlier sessions say. */
static enum ledger_state
state_of(struct plan *plan, const struct task *task)
{
	struct resume *resume = plan->resume;
	if (!resume || task->index <= resume_asked(resume))
		return ledger_get(&plan->ledger, task->index);
	enum resume_verdict verdict = resume_verdict(resume, task->index, task_identity(task));
	return verdict == RESUME_DONE	  ? LEDGER_SUCCEEDED
	       : verdict == RESUME_FAILED ? LEDGER_FAILED
					  : LEDGER_OPEN;
}

/* failed.txt and remaining.txt, in one pass over the tasks, which are counted now. */
static void
write_lists(struct plan *plan, struct status *status)
{
	struct list_file failed = {.name = "failed.txt", .state = LEDGER_FAILED};
	struct list_file remaining = {.name = "remaining.txt", .state = LEDGER_OPEN};
	struct err err;
	enum next next = NEXT_ONE;
	uint64_t tasks = 0, succeeded = 0, known = ledger_end(&plan->ledger);
	if (plan->resume && resume_known(plan->resume) > known)
		known = resume_known(plan->resume);
	open_list_file(&failed, plan->run_dir);
	open_list_file(&remaining, plan->run_dir);
	if (source_rewind(plan->source, &err) < 0)
		next = NEXT_ERROR;
	while (next == NEXT_ONE && (remaining.listing.written <= REMAINING_MAX || tasks < known)) {
		struct task *task;
		next = source_next(plan->source, &task, &err);
		if (next == NEXT_AGAIN) {
			next = NEXT_ONE;
			continue;
		}
		if (next != NEXT_ONE)
			break;
		enum ledger_state state = state_of(plan, task);
		tasks++;
		succeeded += state == LEDGER_SUCCEEDED;
		take(&failed, task, state);
		if (remaining.listing.written <= REMAINING_MAX)
			take(&remaining, task, state);
		task_free(task);
	}
	bool many = remaining.listing.written > REMAINING_MAX;
	if (next == NEXT_ERROR)
		log_warning("failed.txt and remaining.txt are not written: %s", err.text);
	else if (many)
		log_info("more than %llu tasks remain: remaining.txt is not written",
			(unsigned long long)REMAINING_MAX);
	close_list_file(&failed, next != NEXT_ERROR);
	close_list_file(&remaining, next != NEXT_ERROR && !many);
	if (next != NEXT_END)
		return;
	status->tasks = status->tasks_about = tasks;
	status->done_before = succeeded - status->by_reason[RESULT_OK];
}

/* Every task has succeeded: those of an earlier session say otherwise. */
static void
remove_lists(const struct plan *plan)
{
	struct list_file failed = {.name = "failed.txt"}, remaining = {.name = "remaining.txt"};
	name_list_file(&failed, plan->run_dir);
	name_list_file(&remaining, plan->run_dir);
	unlink(failed.path);
	unlink(remaining.path);
}

static int
write_status(struct plan *plan, int code, struct status *status)
{
	struct buf text = {0};
	struct err err;
	status->state = code == EXIT_RUN_FAILED ? STATUS_BROKEN
			: code == EXIT_STOPPED	? STATUS_STOPPED
						: STATUS_FINISHED;
	status->exit_code = code;
	status_format(&text, status);
	int got = status_write(plan->run_dir, text.data, text.len, &err);
	if (got < 0)
		log_warning("%s", err.text);
	buf_clear(&text);
	return got;
}

static int
close_journal(struct journal **journal, int code)
{
	struct err err;
	struct journal *closing = *journal;
	*journal = NULL;
	if (!closing || journal_close(closing, &err) == 0)
		return code;
	if (code != EXIT_RUN_FAILED)
		log_error("%s", err.text);
	return EXIT_RUN_FAILED;
}

static int
close_output(const struct plan *plan, int code)
{
	struct err err;
	const char *path = plan->options->output_file;
	bool unsynced = path && fsync(plan->output_fd) < 0 && errno != EINVAL && errno != EROFS;
	if (unsynced)
		err_set_errno(&err, "%s", path);
	if (!unsynced && plan_check_output(plan, &err) == 0)
		return code;
	if (code != EXIT_RUN_FAILED)
		log_error("%s", err.text);
	return EXIT_RUN_FAILED;
}

/* Of a pipe it is known only after the last task what of earlier sessions is left. */
static void
say_matches(const struct plan *plan, int code)
{
	const struct resume *resume = plan->resume;
	uint64_t moved = resume_moved(resume), unmatched = resume_unmatched(resume);
	if (moved)
		log_info("%llu task%s done before stood elsewhere in the list then",
			(unsigned long long)moved, moved == 1 ? "" : "s");
	if (unmatched && code <= 1 && !plan->gone_is_said)
		log_warning("%llu task%s done before %s not in the list any more",
			(unsigned long long)unmatched, unmatched == 1 ? "" : "s",
			unmatched == 1 ? "is" : "are");
}

/* Also after its last task was taken: what was added to it has not run. */
static int
check_list(const struct plan *plan, int code)
{
	struct err err;
	if (code >= EXIT_STOPPED || source_check(plan->source, &err) == 0)
		return code;
	log_error("%s: expected --resume, which runs what it has now", err.text);
	return EXIT_STOPPED;
}

int
plan_finish(struct plan *plan, int code, struct status *status)
{
	code = close_journal(&plan->journal, code);
	code = close_journal(&plan->joblog, code);
	code = close_output(plan, code);
	code = check_list(plan, code);
	if (plan->resume)
		say_matches(plan, code);
	if (!plan->run_dir)
		return code;
	if (!lock_is_ours(plan->lock)) {
		log_warning("%s is not ours any more: status.json and lists of tasks are not "
			    "written",
			plan->run_dir);
		return code;
	}
	int written = write_status(plan, code, status);
	if (code) {
		write_lists(plan, status);
		if (written == 0)
			write_status(plan, code, status);
	} else {
		remove_lists(plan);
	}
	durable_names(plan->run_dir);
	return code;
}

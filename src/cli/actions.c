/* Looking at the tasks instead of running them. */
#include "cli/actions.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "cli/check.h"
#include "cli/options.h"
#include "cli/plan.h"
#include "tasks/listing.h"
#include "tasks/script.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { BLOCK_BYTES = 1 << 16, EXIT_RUN_FAILED = 4 };

/* 0, or the exit code: whoever reads it has not got all. */
static int
print(struct buf *text)
{
	while (text->len) {
		ssize_t put = write(STDOUT_FILENO, text->data, text->len);
		if (put < 0 && errno != EINTR) {
			log_error("cannot write standard output: %s", strerror(errno));
			return EXIT_RUN_FAILED;
		}
		if (put > 0)
			buf_consume(text, (size_t)put);
	}
	return 0;
}

static int
count(struct plan *plan, struct buf *text, struct err *err)
{
	uint64_t tasks = source_count(plan->source);
	enum next next = tasks ? NEXT_END : NEXT_ONE;
	struct task *task;
	while (next == NEXT_ONE && (next = plan_next(plan->source, &task, err)) == NEXT_ONE) {
		tasks++;
		task_free(task);
	}
	if (next != NEXT_END)
		return -1;
	buf_printf(text, "%llu\n", (unsigned long long)tasks);
	return 0;
}

static int
dry_run(struct plan *plan, struct buf *text, struct err *err)
{
	struct listing listing = {0};
	enum next next;
	struct task *task;
	int got = 0;
	uint64_t limit = source_limit(plan->source);
	if (limit)
		buf_printf(text,
			"## at most %llu at a time (%%%llu of the array): a list cannot say so, "
			"but be "
			"run on %llu slot%s\n",
			(unsigned long long)limit, (unsigned long long)limit,
			(unsigned long long)limit, limit == 1 ? "" : "s");
	while (got == 0 && (next = plan_next(plan->source, &task, err)) == NEXT_ONE) {
		listing_add(&listing, text, task);
		task_free(task);
		if (text->len > BLOCK_BYTES || source_fd(plan->source) >= 0)
			got = print(text);
	}
	listing_clear(&listing);
	return got ? got : next == NEXT_ERROR ? -1 : 0;
}

static int
check(struct plan *plan, const struct options *options, struct buf *text, struct err *err)
{
	struct check *checker = check_new(options->list);
	enum next next;
	struct task *task;
	int got = 0;
	if (options->script)
		check_script(checker, options->script->path, text);
	while (got == 0 && (next = plan_next(plan->source, &task, err)) == NEXT_ONE) {
		check_task(checker, task, text);
		task_free(task);
		if (text->len > BLOCK_BYTES)
			got = print(text);
	}
	int code = check_end(checker, text);
	return got ? got : next == NEXT_ERROR ? -1 : code;
}

int
actions_do(const struct options *options, struct err *err)
{
	struct plan plan = {0};
	struct buf text = {0};
	int code = plan_open_source(&plan, options, err);
	if (code == 0 && options->action == ACTION_COUNT)
		code = count(&plan, &text, err);
	else if (code == 0 && options->action == ACTION_DRY_RUN)
		code = dry_run(&plan, &text, err);
	else if (code == 0)
		code = check(&plan, options, &text, err);
	if (code != EXIT_RUN_FAILED && print(&text) == EXIT_RUN_FAILED)
		code = EXIT_RUN_FAILED;
	buf_clear(&text);
	plan_clear(&plan);
	return code;
}

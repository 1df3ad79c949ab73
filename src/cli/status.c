/* mpbatch status RUN: reads status.json and the lock, and changes nothing. */
#include "cli/status.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "exec/scheduler.h"
#include "run/lock.h"
#include "run/rundir.h"
#include "run/status.h"
#include "ui/text.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { EXIT_USAGE = 2, SHOWN = 10 };

#define WATCH_NS CLOCK_NS_PER_S

/* What the lock and the snapshot say together. */
enum verdict { VERDICT_AS_SAID, VERDICT_DEAD, VERDICT_SILENT };

struct run_status {
	const char *run_dir;
	struct status status;
	enum verdict verdict;
	int silent_s; /* how long it was watched in vain */
};

/* --- finding out --- */

/* Another host's: does it write snapshots? They come every STATUS_BEAT_S at least. */
static enum verdict
watch(struct run_status *run)
{
	for (run->silent_s = 0; run->silent_s <= STATUS_BEAT_S; run->silent_s++) {
		struct status now;
		loop_poll(NULL, 0, CLOCK_NS_PER_S);
		if (status_read(run->run_dir, &now, NULL) < 0)
			continue;
		bool moves = now.beat != run->status.beat || now.state != run->status.state;
		status_clear(moves ? &run->status : &now);
		if (moves)
			run->status = now;
		if (moves)
			return VERDICT_AS_SAID;
	}
	return VERDICT_SILENT;
}

static int
look(struct run_status *run, struct err *err)
{
	if (status_read(run->run_dir, &run->status, err) < 0)
		return -1;
	run->verdict = VERDICT_AS_SAID;
	if (run->status.state != STATUS_RUNNING)
		return 0;
	enum lock_state lock = lock_look(run->run_dir);
	if (lock == LOCK_DEAD || lock == LOCK_FREE)
		run->verdict = VERDICT_DEAD;
	else if (lock == LOCK_SILENT)
		run->verdict = watch(run);
	return 0;
}

static const char *
state_of(const struct run_status *run)
{
	return run->verdict == VERDICT_DEAD ? "dead" : status_state_names[run->status.state];
}

/* --- saying it --- */

static uint64_t
failed(const struct status *status)
{
	uint64_t sum = 0;
	for (int i = 0; i < RESULT_REASONS; i++)
		if (i != RESULT_OK && i != RESULT_CANCELLED)
			sum += status->by_reason[i];
	return sum;
}

static void
put_counts(struct buf *buf, const struct status *status)
{
	uint64_t done = status->done_before + status->by_reason[RESULT_OK];
	buf_printf(buf, "tasks     %llu", (unsigned long long)done);
	if (status->tasks)
		buf_printf(buf, " of %llu succeeded (%.1f %%)", (unsigned long long)status->tasks,
			100.0 * (double)done / (double)status->tasks);
	else
		buf_append_string(buf, " succeeded, how many there are is not known yet");
	if (status->done_before)
		buf_printf(buf, ", %llu of them in earlier sessions",
			(unsigned long long)status->done_before);
	buf_printf(buf, "\nfailed    %llu", (unsigned long long)failed(status));
	for (int i = 0; i < RESULT_REASONS; i++)
		if (i != RESULT_OK && i != RESULT_CANCELLED && status->by_reason[i])
			buf_printf(buf, ", %llu %s", (unsigned long long)status->by_reason[i],
				result_reason_names[i]);
	if (status->by_reason[RESULT_CANCELLED])
		buf_printf(buf, "\ncancelled %llu",
			(unsigned long long)status->by_reason[RESULT_CANCELLED]);
	if (status->skipped)
		buf_printf(buf, "\nleft out  %llu", (unsigned long long)status->skipped);
	buf_append_string(buf, "\n");
}

static void
put_pace(struct buf *buf, const struct status *status, bool running)
{
	char room[TEXT_MAX], left[TEXT_MAX];
	double elapsed = (double)(status->now_us - status->start_us) / 1e6;
	buf_printf(buf, "time      %s", text_duration(elapsed, room));
	if (running && status->rate > 0)
		buf_printf(buf, ", %.3g tasks/s", status->rate);
	if (running && status->eta_s >= 0)
		buf_printf(buf, ", %s to go", text_duration(status->eta_s, left));
	if (status->deadline_us)
		buf_printf(buf, ", the allocation ends %s after the last snapshot",
			text_duration((double)(status->deadline_us - status->now_us) / 1e6, room));
	buf_printf(buf, "\nslots     %d of %d busy on %u host%s\n", status->busy, status->slots,
		status->nhosts, status->nhosts == 1 ? "" : "s");
}

static void
put_running(struct buf *buf, const struct status *status, bool all)
{
	if (status->running)
		buf_printf(buf, "running   %llu for longer than 0.2 s:\n",
			(unsigned long long)status->running);
	for (uint32_t i = 0; i < status->nrunning && (all || i < SHOWN); i++) {
		const struct status_task *task = &status->running_tasks[i];
		char room[TEXT_MAX];
		double since = (double)(status->now_us - task->start_us) / 1e6;
		buf_printf(buf, "  task %llu on %s, %s: ", (unsigned long long)task->index,
			task->host, text_duration(since, room));
		for (const char *at = task->command; *at; at++)
			buf_append(buf, (unsigned char)*at < ' ' || *at == 0x7f ? "?" : at, 1);
		buf_append_string(buf, "\n");
	}
	if (!all && status->nrunning > SHOWN)
		buf_printf(buf, "  ... (--all shows them)\n");
}

static void
put_all(struct buf *buf, const struct run_status *run, bool all)
{
	const struct status *status = &run->status;
	bool running = status->state == STATUS_RUNNING && run->verdict != VERDICT_DEAD;
	buf_printf(buf, "%s: %s, session %d", run->run_dir, state_of(run), status->session);
	if (run->verdict == VERDICT_DEAD)
		buf_append_string(buf, ": its master is gone; this is its last snapshot, mpbatch "
				       "--resume runs the rest");
	if (run->verdict == VERDICT_SILENT)
		buf_printf(buf, ": no sign of life for %d s, it may be dead", run->silent_s);
	if (status->state != STATUS_RUNNING)
		buf_printf(buf, ", exit code %d", status->exit_code);
	buf_append_string(buf, "\n");
	put_counts(buf, status);
	put_pace(buf, status, running);
	if (running)
		put_running(buf, status, all);
}

/* status.json's object, with what is true now as its state. */
static void
put_json(struct buf *buf, const struct run_status *run)
{
	struct buf text = {0};
	status_format(&text, &run->status);
	buf_append(&text, "", 1);
	const char *state = strchr(text.data, ':'); /* it is the first member */
	const char *rest = state ? strchr(state, ',') : NULL;
	if (rest)
		buf_printf(buf, "{\n \"state\": \"%s\"%s", state_of(run), rest);
	buf_clear(&text);
}

/* --- the command --- */

struct wanted {
	bool watch, json, all;
	const char *run;
};

static int
parse(struct wanted *wanted, int argc, char **argv, struct err *err)
{
	static const struct option longs[] = {{"watch", no_argument, NULL, 'w'},
		{"json", no_argument, NULL, 'J'}, {"all", no_argument, NULL, 'a'}, {0}};
	int found;
	opterr = 0;
	while ((found = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		wanted->watch = wanted->watch || found == 'w';
		wanted->json = wanted->json || found == 'J';
		wanted->all = wanted->all || found == 'a';
		if (found == '?')
			return err_set(err,
				"%.100s: expected mpbatch status [--watch] [--all] "
				"[--json] RUN",
				argv[optind - 1]);
	}
	if (argc - optind != 1)
		return err_set(
			err, "expected mpbatch status [--watch] [--all] [--json] RUN, and one RUN");
	wanted->run = argv[optind];
	return 0;
}

/* The lines of the last time are drawn over. */
static int
show(const struct wanted *wanted, const struct run_status *run, int lines)
{
	struct buf buf = {0};
	if (lines)
		buf_printf(&buf, "\033[%dA\033[J", lines);
	if (wanted->json)
		put_json(&buf, run);
	else
		put_all(&buf, run, wanted->all);
	fwrite(buf.data, 1, buf.len, stdout);
	fflush(stdout);
	lines = 0;
	for (size_t i = 0; i < buf.len; i++)
		lines += buf.data[i] == '\n';
	buf_clear(&buf);
	return lines;
}

int
status_main(int argc, char **argv)
{
	struct wanted wanted = {.watch = false};
	struct err err;
	if (parse(&wanted, argc, argv, &err) < 0) {
		log_error("%s", err.text);
		return EXIT_USAGE;
	}
	char *run_dir = rundir_find(wanted.run);
	struct run_status run = {.run_dir = run_dir};
	lock_ask_scheduler = scheduler_job_runs;
	bool terminal = isatty(STDOUT_FILENO);
	bool again = true;
	int code = 0, lines = 0;
	while (again) {
		status_clear(&run.status);
		if (look(&run, &err) < 0) {
			log_error("%s", err.text);
			code = EXIT_USAGE;
			break;
		}
		lock_ask_scheduler = NULL; /* once is enough */
		lines = show(&wanted, &run, terminal ? lines : 0);
		again = wanted.watch && run.status.state == STATUS_RUNNING &&
			run.verdict != VERDICT_DEAD;
		if (again)
			loop_poll(NULL, 0, WATCH_NS);
	}
	status_clear(&run.status);
	free(run_dir);
	return code;
}

/* mpbatch status RUN: reads status.json, the lock, if need be the journals, and changes nothing. */
#include "cli/status.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/utf8.h"
#include "cli/journals.h"
#include "cli/seen.h"
#include "exec/scheduler.h"
#include "run/lock.h"
#include "run/reader.h"
#include "run/rundir.h"
#include "run/status.h"
#include "ui/outcomes.h"
#include "ui/text.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { EXIT_BROKEN = 1, EXIT_USAGE = 2, SHOWN = 10 };

#define WATCH_NS CLOCK_NS_PER_S

/* What the lock and the snapshot say together. */
enum verdict { VERDICT_AS_SAID, VERDICT_DEAD, VERDICT_SILENT };

struct run_status {
	const char *run_dir;
	struct status status;
	bool no_snapshot; /* it is what the journals say */
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
		bool moves = now.session >= run->status.session &&
			     (now.beat != run->status.beat || now.state != run->status.state);
		status_clear(moves ? &run->status : &now);
		if (!moves)
			continue;
		run->status = now;
		run->no_snapshot = false;
		return VERDICT_AS_SAID;
	}
	return VERDICT_SILENT;
}

/* The number of the last session that has a journal; 0: none has. */
static int
last_session(const char *run_dir)
{
	size_t count;
	int *sessions = reader_sessions(run_dir, &count);
	int last = count ? sessions[count - 1] : 0;
	free(sessions);
	return last;
}

/* A success whose output was lost has been run again: it is one task. */
static void
count_record(
	struct status *status, int session, const struct reader_record *record, struct seen *done)
{
	uint64_t key = record->id ^ record->result.index * UINT64_C(0x9e3779b97f4a7c15);
	bool now = record->session == session;
	bool before = record->result.reason == RESULT_OK && seen_add(done, key, 1);
	if (now)
		status->by_reason[record->result.reason]++;
	if (now && before)
		status->done_before--;
	else if (!now && !before)
		status->done_before += record->result.reason == RESULT_OK;
}

static int
count_records(struct run_status *run, int session, struct err *err)
{
	struct journals *journals = journals_open(run->run_dir, 0, err);
	struct status *status = &run->status;
	struct reader_record record;
	struct seen done = {0};
	int got = -1;
	*status = (struct status){.state = STATUS_RUNNING, .session = session, .eta_s = -1};
	while (journals && (got = journals_next(journals, &record, err)) > 0)
		count_record(status, session, &record, &done);
	seen_clear(&done);
	journals_free(journals);
	return got;
}

/* The snapshot; where the last session has none, because it begins just now or came to an early
 * end, or none that can be read, what the journals say. */
static int
read_status(struct run_status *run, struct err *err)
{
	int session = last_session(run->run_dir);
	status_clear(&run->status);
	run->no_snapshot = status_read(run->run_dir, &run->status, err) < 0;
	if (!run->no_snapshot && run->status.session >= session)
		return 0;
	status_clear(&run->status);
	run->no_snapshot = true;
	return count_records(run, session, err);
}

static int
look(struct run_status *run, struct err *err)
{
	if (read_status(run, err) < 0)
		return -1;
	run->verdict = VERDICT_AS_SAID;
	if (run->status.state != STATUS_RUNNING)
		return 0;
	enum lock_state lock = lock_look(run->run_dir);
	if (lock == LOCK_SILENT)
		run->verdict = watch(run);
	if (lock != LOCK_DEAD && lock != LOCK_FREE)
		return 0;
	if (read_status(run, err) < 0) /* it may have come to its end between the two looks */
		return -1;
	if (run->status.state == STATUS_RUNNING)
		run->verdict = VERDICT_DEAD;
	return 0;
}

static const char *
state_of(const struct run_status *run)
{
	return run->verdict == VERDICT_DEAD ? "dead" : status_state_names[run->status.state];
}

/* Is there more to come? */
static bool
goes_on(const struct run_status *run)
{
	return run->status.state == STATUS_RUNNING && run->verdict != VERDICT_DEAD;
}

/* --- saying it --- */

static void
put_counts(struct buf *buf, const struct status *status)
{
	uint64_t done = status->done_before + status->by_reason[RESULT_OK];
	uint64_t all = status->tasks ? status->tasks : status->tasks_about;
	char room[TEXT_MAX];
	buf_printf(buf, "tasks     %llu", (unsigned long long)done);
	if (status->tasks)
		buf_printf(buf, " of %llu", (unsigned long long)all);
	else if (all)
		buf_printf(buf, " of about %s", text_count(all, room));
	buf_append_string(buf, " succeeded");
	/* An estimate that is reached was too low. */
	uint64_t least = status->tasks ? 1 : done + 1;
	if (all)
		buf_printf(buf, " (%s)", text_percent(done, all > least ? all : least, true, room));
	else if (status->state == STATUS_FINISHED)
		buf_append_string(buf, ": the list is empty");
	else
		buf_append_string(buf, ", how many there are is not known");
	if (status->done_before)
		buf_printf(buf, ", %llu of them in earlier sessions",
			(unsigned long long)status->done_before);
	buf_printf(buf, "\nfailed    %llu", (unsigned long long)outcomes_failed(status->by_reason));
	outcomes_print_why(buf, status->by_reason);
	if (status->by_reason[RESULT_CANCELLED])
		buf_printf(buf, "\ncancelled %llu",
			(unsigned long long)status->by_reason[RESULT_CANCELLED]);
	if (status->skipped)
		buf_printf(
			buf, "\nothers    %llu not asked for", (unsigned long long)status->skipped);
	buf_append_string(buf, "\n");
}

static void
put_pace(struct buf *buf, const struct status *status, bool running)
{
	char room[TEXT_MAX], left[TEXT_MAX];
	double elapsed = (double)(status->now_us - status->start_us) / 1e6;
	if (!status->now_us)
		return; /* journals do not know */
	buf_printf(buf, "time      %s", text_duration(elapsed, room));
	if (running && status->rate > 0)
		buf_printf(buf, ", %s", text_rate(status->rate, room));
	if (running && status->eta_s >= 0)
		buf_printf(buf, ", %s left", text_duration(status->eta_s, left));
	if (running && status->deadline_us)
		buf_printf(buf, ", the allocation ends %s after the last snapshot",
			text_duration((double)(status->deadline_us - status->now_us) / 1e6, room));
	buf_append_string(buf, "\nslots     ");
	if (running)
		buf_printf(buf, "%d of %d busy", status->busy, status->slots);
	else
		buf_printf(buf, "%d", status->slots);
	buf_printf(buf, " on %u host%s\n", status->nhosts, status->nhosts == 1 ? "" : "s");
}

static void
put_running(struct buf *buf, const struct status *status, bool all)
{
	if (status->running)
		buf_printf(buf, "running   %llu for longer than 0.2 s:\n",
			(unsigned long long)status->running);
	for (uint32_t i = 0; i < status->nrunning && (all || i < SHOWN); i++) {
		const struct status_task *task = &status->running_tasks[i];
		char room[TEXT_MAX], name[TEXT_TASK_MAX];
		double since = (double)(status->now_us - task->start_us) / 1e6;
		buf_printf(buf, "  %s on ",
			text_task(task->index, task->element, strlen(task->element), name));
		utf8_append_visible(buf, task->host, strlen(task->host));
		buf_printf(buf, ", %s: ", text_duration(since, room));
		utf8_append_visible(buf, task->command, strlen(task->command));
		buf_append_string(buf, "\n");
	}
	if (!all && status->nrunning > SHOWN)
		buf_printf(buf, "  ... (--all shows them)\n");
}

static void
put_all(struct buf *buf, const struct run_status *run, bool all)
{
	const struct status *status = &run->status;
	bool running = goes_on(run);
	buf_printf(buf, "%s: %s, session %d", run->run_dir, state_of(run), status->session);
	if (run->verdict == VERDICT_DEAD)
		buf_printf(buf, ": its master is gone; this is %s",
			run->no_snapshot ? "what its journals say" : "its last snapshot");
	else if (run->no_snapshot)
		buf_append_string(buf, ": it has written no snapshot yet");
	if (run->verdict == VERDICT_SILENT)
		buf_printf(buf, ": no sign of life for %d s, it may be dead", run->silent_s);
	if (status->state != STATUS_RUNNING)
		buf_printf(buf, ", exit code %d", status->exit_code);
	buf_append_string(buf, "\n");
	put_counts(buf, status);
	put_pace(buf, status, running);
	if (running) {
		put_running(buf, status, all);
	} else if (status->state != STATUS_FINISHED) {
		journals_resume_command(buf, run->run_dir);
		buf_append_string(buf, " runs the rest\n");
	}
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

/* --- on a screen --- */

/* What --watch has drawn on a terminal, to draw over it. */
struct screen {
	bool used; /* it is a terminal, and we watch */
	struct buf text;
};

static struct winsize
terminal_size(void)
{
	struct winsize size;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col || !size.ws_row)
		size = (struct winsize){.ws_row = 24, .ws_col = 80};
	return size;
}

static bool
begins_character(char c)
{
	return ((unsigned char)c & 0xc0) != 0x80;
}

/* The rows that it takes now: one that has got narrower breaks lines anew. */
static int
rows_of(const struct buf *drawn, int width)
{
	int rows = 0, columns = 0;
	for (size_t i = 0; i < drawn->len; i++) {
		columns += begins_character(drawn->data[i]);
		if (drawn->data[i] != '\n')
			continue;
		rows += columns > 1 ? (columns - 1 + width - 1) / width : 1;
		columns = 0;
	}
	return rows;
}

/* As much of TEXT as fits on the terminal. */
static void
cut(struct buf *to, const struct buf *text, struct winsize size)
{
	int rows = 0, columns = 0;
	for (size_t i = 0; i < text->len && rows < size.ws_row - 1; i++) {
		char c = text->data[i];
		columns = c == '\n' ? 0 : columns + begins_character(c);
		rows += c == '\n';
		if (columns < size.ws_col)
			buf_append(to, &c, 1);
	}
}

/* The last text is not cut: nothing is drawn over it. */
static void
draw(struct screen *screen, const struct buf *text, bool last)
{
	struct buf buf = {0};
	struct winsize size = terminal_size();
	int rows = rows_of(&screen->text, size.ws_col);
	if (rows)
		buf_printf(&buf, "\033[%dA", rows);
	buf_append_string(&buf, "\r\033[J");
	buf_consume(&screen->text, screen->text.len);
	if (last) {
		buf_append(&buf, text->data, text->len);
	} else {
		cut(&screen->text, text, size);
		buf_append_string(&buf, "\033[?7l"); /* the end of a line is cut, not broken */
		buf_append(&buf, screen->text.data, screen->text.len);
		buf_append_string(&buf, "\033[?7h");
	}
	fwrite(buf.data, 1, buf.len, stdout);
	buf_clear(&buf);
}

/* --- the command --- */

struct wanted {
	bool watch, json, all;
	const char *run;
};

static const char usage[] =
	"usage: mpbatch status [--watch] [--all] [--json] RUN\n\n"
	"Says how far a run is. RUN is a run directory, or the list it belongs to.\n\n"
	"  --watch  again every second, until it ends; a run that has not begun is waited for\n"
	"  --all    all that have been running for a while, not only the first ten\n"
	"  --json   the same as an object\n\n"
	"Exit codes: 0; 1 standard output cannot be written; 2 usage, no such run.\n";

/* 1: --help. */
static int
parse(struct wanted *wanted, int argc, char **argv, struct err *err)
{
	static const struct option longs[] = {{"watch", no_argument, NULL, 'w'},
		{"json", no_argument, NULL, 'J'}, {"all", no_argument, NULL, 'a'},
		{"help", no_argument, NULL, 'h'}, {0}};
	int found;
	opterr = 0;
	while ((found = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (found == 'h')
			return 1;
		wanted->watch = wanted->watch || found == 'w';
		wanted->json = wanted->json || found == 'J';
		wanted->all = wanted->all || found == 'a';
		if (found == '?')
			return err_set(err, "option %.100s is unknown (see mpbatch status --help)",
				argv[optind - 1]);
	}
	if (argc - optind != 1)
		return err_set(
			err, "expected one run: mpbatch status [--watch] [--all] [--json] RUN");
	wanted->run = argv[optind];
	return 0;
}

static bool
has_begun(const char *run_dir)
{
	struct status snapshot = {0};
	bool begun = rundir_is(run_dir) || status_read(run_dir, &snapshot, NULL) == 0;
	status_clear(&snapshot);
	return begun;
}

/* The run directory; --watch waits for it, and for what a run has there when it begins. */
static char *
find(const struct wanted *wanted, struct err *err)
{
	bool said = false;
	char *run_dir = journals_dir(wanted->run, err);
	while (wanted->watch && (run_dir ? !has_begun(run_dir) : errno == ENOENT)) {
		if (!said)
			log_info("%.200s: no run has begun there yet: waiting for it", wanted->run);
		said = true;
		loop_poll(NULL, 0, WATCH_NS);
		if (!run_dir)
			run_dir = journals_dir(wanted->run, err);
	}
	return run_dir;
}

static int
show(const struct wanted *wanted, const struct run_status *run, struct screen *screen,
	struct err *err)
{
	struct buf buf = {0};
	if (wanted->json)
		put_json(&buf, run);
	else
		put_all(&buf, run, wanted->all);
	if (screen->used)
		draw(screen, &buf, !goes_on(run));
	else
		fwrite(buf.data, 1, buf.len, stdout);
	buf_clear(&buf);
	return fflush(stdout) == EOF || ferror(stdout) ? err_set_errno(err, "standard output") : 0;
}

static int
run_status(const struct wanted *wanted, struct err *err)
{
	char *run_dir = find(wanted, err);
	struct run_status run = {.run_dir = run_dir};
	struct screen screen = {
		.used = wanted->watch && !wanted->json && text_can_redraw(STDOUT_FILENO)};
	bool again = run_dir;
	int code = run_dir ? 0 : EXIT_USAGE;
	lock_ask_scheduler = scheduler_job;
	while (again) {
		if (look(&run, err) < 0)
			code = EXIT_USAGE;
		else if (show(wanted, &run, &screen, err) < 0)
			code = EXIT_BROKEN;
		lock_ask_scheduler = NULL; /* once is enough */
		again = !code && wanted->watch && goes_on(&run);
		if (again)
			loop_poll(NULL, 0, WATCH_NS);
	}
	status_clear(&run.status);
	buf_clear(&screen.text);
	free(run_dir);
	return code;
}

int
status_main(int argc, char **argv)
{
	struct wanted wanted = {.watch = false};
	struct err err = {""};
	int taken = parse(&wanted, argc, argv, &err), code = 0;
	if (taken > 0)
		fputs(usage, stdout);
	else
		code = taken < 0 ? EXIT_USAGE : run_status(&wanted, &err);
	if (code)
		log_error("%s", err.text);
	return code;
}

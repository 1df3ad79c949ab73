/* Counting what happened, and saying it. */
#include "ui/report.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "tasks/result.h"
#include "tasks/task.h"
#include "ui/observer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define REDRAW_NS (100 * CLOCK_NS_PER_MS)
enum { FAILURES_SHOWN = 10, TAIL_LINES = 3, COMMAND_SHOWN = 120, WIDTH_DEFAULT = 80 };

struct failure {
	uint64_t index;
	uint64_t line;
	struct result result;
	char *host;
	char *command;
	char *tail;
};

struct report {
	struct observer observer;
	struct report_options options;
	uint64_t by_reason[RESULT_REASONS];
	uint64_t ended;
	int64_t busy_ns; /* sum of run times */
	struct observed_run run;
	int slots, hosts; /* the most there were */
	struct failure failures[FAILURES_SHOWN];
	int nfailures;
	bool terminal;
	int64_t redraw_ns;
};

static bool line_is_drawn;

static void
wipe_line(void)
{
	if (!line_is_drawn)
		return;
	line_is_drawn = false;
	(void)!write(STDERR_FILENO, "\r\033[K", 4);
}

/* --- counting --- */

static char *
copy(const char *text, size_t len)
{
	char *new = xmalloc(len + 1);
	if (len)
		memcpy(new, text, len);
	new[len] = '\0';
	return new;
}

static bool
is_failure(const struct result *result)
{
	return result->reason != RESULT_OK && result->reason != RESULT_CANCELLED;
}

static void
report_ended(struct observer *observer, const struct observed_end *end)
{
	struct report *report = (struct report *)observer;
	report->ended++;
	report->by_reason[end->result->reason]++;
	report->busy_ns += end->result->runtime_ns;
	if (!is_failure(end->result) || report->nfailures == FAILURES_SHOWN ||
		report->options.quiet)
		return;
	size_t shown =
		end->task->command_len < COMMAND_SHOWN ? end->task->command_len : COMMAND_SHOWN;
	report->failures[report->nfailures++] = (struct failure){.index = end->task->index,
		.line = end->task->line,
		.result = *end->result,
		.host = xstrdup(end->host),
		.command = copy(end->task->command, shown),
		.tail = copy(end->tail, end->tail_len)};
}

/* --- progress --- */

static int
terminal_width(void)
{
	struct winsize size;
	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return WIDTH_DEFAULT;
	return size.ws_col;
}

static uint64_t
failed(const struct report *report)
{
	return report->ended - report->by_reason[RESULT_OK] - report->by_reason[RESULT_CANCELLED];
}

static void
draw(struct report *report, int64_t now_ns)
{
	char line[256], total[32] = "";
	double seconds = (double)(now_ns - report->options.start_ns) / 1e9;
	if (report->run.tasks)
		snprintf(total, sizeof(total), "/%llu", (unsigned long long)report->run.tasks);
	int len = snprintf(line, sizeof(line),
		"%llu%s tasks ended, %llu failed, %d held by %d slots, %.0f s, %.1f/s",
		(unsigned long long)report->ended, total, (unsigned long long)failed(report),
		report->run.held, report->run.slots, seconds, (double)report->ended / seconds);
	int width = terminal_width() - 1;
	if (len > width)
		len = width > 0 ? width : 0;
	char text[300];
	int used = snprintf(text, sizeof(text), "\r%.*s\033[K", len, line);
	(void)!write(STDERR_FILENO, text, (size_t)used);
	line_is_drawn = true;
}

static void
report_turn(struct observer *observer, const struct observed_run *run, int64_t now_ns)
{
	struct report *report = (struct report *)observer;
	report->run = *run;
	if (run->slots > report->slots)
		report->slots = run->slots;
	if (run->hosts > report->hosts)
		report->hosts = run->hosts;
	if (!report->terminal || report->options.quiet || now_ns < report->redraw_ns)
		return;
	report->redraw_ns = now_ns + REDRAW_NS;
	draw(report, now_ns);
}

/* --- summary --- */

/* Printable, and one line. */
static void
print_text(struct buf *buf, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		bool control = (unsigned char)c < ' ' || c == 0x7f;
		buf_append(buf, control ? "?" : &c, 1);
	}
}

/* The last lines of TEXT, indented. */
static void
print_tail(struct buf *buf, const char *text)
{
	size_t len = strlen(text);
	while (len && text[len - 1] == '\n')
		len--;
	size_t from = len;
	for (int lines = 0; from > 0; from--)
		if (text[from - 1] == '\n' && ++lines == TAIL_LINES)
			break;
	while (from < len) {
		size_t line = strcspn(text + from, "\n");
		buf_append_string(buf, "    | ");
		print_text(buf, text + from, line < len - from ? line : len - from);
		buf_append_string(buf, "\n");
		from += line + 1;
	}
}

static void
print_failure(struct buf *buf, const struct failure *failure)
{
	const struct result *result = &failure->result;
	buf_printf(buf, "  task %llu (line %llu) on %s: ", (unsigned long long)failure->index,
		(unsigned long long)failure->line, failure->host);
	if (result->reason == RESULT_SPAWN)
		buf_printf(buf, "could not be started (%s: %s)", result_step_name(result->step),
			strerror(result->error));
	else if (result->reason == RESULT_LOST)
		buf_append_string(buf, "lost");
	else if (result->signal)
		buf_printf(buf, "signal %d (%s)", result->signal, strsignal(result->signal));
	else
		buf_printf(buf, "exit code %d", result->exit_code);
	buf_append_string(buf, ": ");
	print_text(buf, failure->command, strlen(failure->command));
	buf_append_string(buf, "\n");
	print_tail(buf, failure->tail);
}

static void
print_counts(struct buf *buf, const struct report *report, double seconds)
{
	buf_printf(buf, "mpbatch: %llu tasks: %llu succeeded", (unsigned long long)report->ended,
		(unsigned long long)report->by_reason[RESULT_OK]);
	if (failed(report)) {
		buf_printf(buf, ", %llu failed (", (unsigned long long)failed(report));
		const char *comma = "";
		for (int i = 0; i < RESULT_REASONS; i++) {
			if (i == RESULT_OK || i == RESULT_CANCELLED || !report->by_reason[i])
				continue;
			buf_printf(buf, "%s%llu %s", comma,
				(unsigned long long)report->by_reason[i], result_reason_names[i]);
			comma = ", ";
		}
		buf_append_string(buf, ")");
	}
	if (report->by_reason[RESULT_CANCELLED])
		buf_printf(buf, ", %llu cancelled",
			(unsigned long long)report->by_reason[RESULT_CANCELLED]);
	double share = report->slots ? (double)report->busy_ns / 1e9 / seconds / report->slots : 0;
	buf_printf(buf,
		"\nmpbatch: %.2f s wall time, %.1f %% of slot time ran tasks, %d slot%s on %d "
		"host%s\n",
		seconds, 100 * share, report->slots, report->slots == 1 ? "" : "s", report->hosts,
		report->hosts == 1 ? "" : "s");
}

void
report_print(struct observer *observer, int exit_code, int64_t now_ns)
{
	struct report *report = (struct report *)observer;
	wipe_line();
	if (report->options.quiet)
		return;
	struct buf buf = {0};
	if (exit_code == 0 && report->ended == 0)
		buf_append_string(&buf, "mpbatch: the task list is empty: nothing to run\n");
	else
		print_counts(&buf, report, (double)(now_ns - report->options.start_ns) / 1e9);
	if (exit_code == 3) {
		if (report->run.tasks)
			buf_printf(&buf,
				"mpbatch: stopped early: %llu of %llu tasks have not succeeded\n",
				(unsigned long long)(report->run.tasks -
						     report->by_reason[RESULT_OK]),
				(unsigned long long)report->run.tasks);
		else
			buf_append_string(&buf, "mpbatch: stopped early: work remains\n");
	}
	if (report->nfailures)
		buf_printf(&buf, "mpbatch: %s failed tasks%s%s:\n",
			failed(report) > FAILURES_SHOWN ? "the first" : "the",
			report->options.journal ? ", all of them in " : "",
			report->options.journal ? report->options.journal : "");
	for (int i = 0; i < report->nfailures; i++)
		print_failure(&buf, &report->failures[i]);
	(void)!write(STDERR_FILENO, buf.data, buf.len);
	buf_clear(&buf);
}

struct observer *
report_new(const struct report_options *options)
{
	static const struct observer_ops ops = {.ended = report_ended, .turn = report_turn};
	struct report *report = xcalloc(1, sizeof(*report));
	report->observer.ops = &ops;
	report->options = *options;
	report->terminal = isatty(STDERR_FILENO);
	log_before_line(wipe_line);
	return &report->observer;
}

void
report_free(struct observer *observer)
{
	struct report *report = (struct report *)observer;
	if (!report)
		return;
	for (int i = 0; i < report->nfailures; i++) {
		free(report->failures[i].host);
		free(report->failures[i].command);
		free(report->failures[i].tail);
	}
	log_before_line(NULL);
	free(report);
}

/* The observer that counts, and gives what it counted to progress, forecast and summary. */
#include "ui/report.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "tasks/result.h"
#include "tasks/task.h"
#include "ui/forecast.h"
#include "ui/groups.h"
#include "ui/observer.h"
#include "ui/progress.h"
#include "ui/summary.h"
#include "ui/text.h"
#include "ui/usage.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ETA_NS CLOCK_NS_PER_S /* thought over this often */

struct report {
	struct observer observer;
	struct report_options options;
	struct progress *progress; /* NULL: quiet */
	struct groups *groups;
	struct usage usage;
	struct forecast forecast;
	uint64_t by_reason[RESULT_REASONS];
	uint64_t ended;
	uint64_t strays; /* tasks that succeeded and left processes behind */
	struct observed_run run;
	int slots, hosts; /* the most there were */
	int64_t now_ns;
	int64_t eta_ns; /* the expected end, -1: not known, as of ETA_AT_NS */
	int64_t eta_at_ns;
};

/* --- counting --- */

/* Tasks that are asked for in this session, or about so many; 0: not known. */
static uint64_t
asked_for(const struct report *report)
{
	const struct observed_run *run = &report->run;
	uint64_t known = run->done_before + run->skipped;
	return run->tasks > known ? run->tasks - known : 0;
}

static uint64_t
left(const struct report *report)
{
	uint64_t all = asked_for(report);
	return all > report->ended ? all - report->ended : 0;
}

static void
report_ended(struct observer *observer, const struct observed_end *end)
{
	struct report *report = (struct report *)observer;
	const struct result *result = end->result;
	bool known = asked_for(report) > 0;
	report->ended++;
	report->by_reason[result->reason]++;
	report->strays += result->reason == RESULT_OK && result->strays;
	usage_ended(&report->usage, end->slot, result, known ? left(report) : UINT64_MAX,
		report->run.slots);
	if (result->runtime_ns)
		forecast_ended(&report->forecast, (double)result->runtime_ns / 1e9);
	if (!groups_is_failure(result))
		return;
	size_t element_len;
	const char *element = task_element(end->task, &element_len);
	groups_add(report->groups, &(struct groups_failure){.result = result,
					   .line = end->task->line,
					   .element = element,
					   .element_len = element_len,
					   .host = end->host,
					   .host_len = strlen(end->host),
					   .command = end->task->command,
					   .command_len = end->task->command_len,
					   .tail = end->tail,
					   .tail_len = end->tail_len});
}

/* --- progress --- */

static double
seconds_since_start(const struct report *report, int64_t now_ns)
{
	return (double)(now_ns - report->options.start_ns) / 1e9;
}

static void
think_of_the_end(struct report *report, int64_t now_ns)
{
	int nslots = report->run.slots > 0 ? report->run.slots : 0;
	int64_t now_us = report->usage.start_us + (now_ns - report->options.start_ns) / 1000;
	double *ages = xmalloc((unsigned long)nslots * sizeof(*ages));
	struct forecast_work work = {.left = left(report), .slots = nslots, .ages = ages};
	work.nrunning = usage_ages(&report->usage, nslots, now_us, ages);
	if ((uint64_t)work.nrunning > work.left)
		work.nrunning = (int)work.left;
	double seconds = asked_for(report) ? forecast_left_s(&report->forecast, &work) : -1;
	free(ages);
	report->eta_at_ns = now_ns;
	report->eta_ns = seconds < 0 || seconds > 1e9 ? -1 : now_ns + (int64_t)(seconds * 1e9);
}

static void
report_forecast(const struct observer *observer, double *rate, double *eta_s)
{
	const struct report *report = (const struct report *)observer;
	int64_t to_go_ns = report->eta_ns - report->now_ns;
	*rate = forecast_rate(&report->forecast, seconds_since_start(report, report->now_ns));
	*eta_s = report->eta_ns < 0 ? -1 : to_go_ns > 0 ? (double)to_go_ns / 1e9 : 0;
}

static void
show(struct report *report, uint64_t changed, int64_t now_ns)
{
	struct progress_view view = {.ended = report->run.done_before + report->ended,
		.total = report->run.tasks > report->run.skipped
				 ? report->run.tasks - report->run.skipped
				 : 0,
		.about = report->run.about,
		.failed = groups_count(report->groups),
		.busy = report->run.busy,
		.slots = report->run.slots};
	report_forecast(&report->observer, &view.rate, &view.eta_s);
	progress_show(report->progress, &view, changed, now_ns);
}

static void
report_turn(struct observer *observer, const struct observed_run *run, int64_t now_ns)
{
	struct report *report = (struct report *)observer;
	report->run = *run;
	report->now_ns = now_ns;
	if (run->slots > report->slots)
		report->slots = run->slots;
	if (run->hosts > report->hosts)
		report->hosts = run->hosts;
	forecast_turn(&report->forecast, seconds_since_start(report, now_ns));
	if (now_ns >= report->eta_at_ns + ETA_NS)
		think_of_the_end(report, now_ns);
	uint64_t changed = (report->ended << 20) + (uint64_t)run->busy;
	if (report->progress && !run->in_line && progress_wants(report->progress, changed, now_ns))
		show(report, changed, now_ns);
}

static int64_t
report_due_ns(const struct observer *observer)
{
	const struct report *report = (const struct report *)observer;
	bool may_show = report->progress && !report->run.in_line;
	return may_show ? progress_due_ns(report->progress) : CLOCK_NEVER;
}

static void
report_output(struct observer *observer)
{
	(void)observer;
	progress_wipe();
}

/* --- the end --- */

/* Our own words to the width of the terminal; commands and what tasks printed are left as they are,
 * to be copied. */
static void
wrap(struct buf *wrapped, const struct buf *text, int width)
{
	static const char name[] = "mpbatch: ";
	const size_t name_len = sizeof(name) - 1;
	for (size_t at = 0; at < text->len;) {
		const char *line = text->data + at;
		size_t len = (size_t)((char *)memchr(line, '\n', text->len - at) - line);
		bool ours = len > name_len && memcmp(line, name, name_len) == 0;
		text_wrap(wrapped, line, len, (int)name_len, ours ? width : 0);
		buf_append_string(wrapped, "\n");
		at += len + 1;
	}
}

void
report_print(struct observer *observer, const struct report_end *end)
{
	struct report *report = (struct report *)observer;
	int64_t end_us = report->usage.start_us + (end->now_ns - report->options.start_ns) / 1000;
	struct summary summary = {.ended = report->ended,
		.tasks = end->tasks,
		.done_before = end->done_before,
		.left_out = report->run.skipped,
		.strays = report->options.keep_strays ? 0 : report->strays,
		.exit_code = end->exit_code,
		.why_none = end->why_none,
		.seconds = seconds_since_start(report, end->now_ns),
		.slots = report->slots,
		.hosts = report->hosts,
		.groups = report->groups,
		.journal = report->options.journal};
	progress_free(report->progress);
	report->progress = NULL;
	if (report->options.quiet)
		return;
	struct buf buf = {0}, wrapped = {0};
	memcpy(summary.by_reason, report->by_reason, sizeof(summary.by_reason));
	usage_shares(&report->usage, report->slots, end_us, summary.shares);
	summary_print(&buf, &summary);
	if (end->hint)
		buf_printf(&buf, "mpbatch: %s\n", end->hint);
	wrap(&wrapped, &buf, text_width(STDERR_FILENO));
	(void)!write(STDERR_FILENO, wrapped.data, wrapped.len);
	buf_clear(&buf);
	buf_clear(&wrapped);
}

struct observer *
report_new(const struct report_options *options)
{
	static const struct observer_ops ops = {.ended = report_ended,
		.turn = report_turn,
		.due_ns = report_due_ns,
		.output = report_output,
		.forecast = report_forecast};
	struct report *report = xcalloc(1, sizeof(*report));
	report->observer.ops = &ops;
	report->options = *options;
	report->groups = groups_new();
	color_init(options->color);
	report->eta_ns = -1;
	report->eta_at_ns = options->start_ns;
	report->now_ns = options->start_ns;
	report->usage.start_us = clock_unix_us() - (clock_now_ns() - options->start_ns) / 1000;
	if (!options->quiet)
		report->progress = progress_new(&(struct progress_options){.bar = options->bar,
			.interval_s = options->interval_s,
			.start_ns = options->start_ns});
	return &report->observer;
}

void
report_free(struct observer *observer)
{
	struct report *report = (struct report *)observer;
	if (!report)
		return;
	progress_free(report->progress);
	groups_free(report->groups);
	usage_clear(&report->usage);
	free(report);
}

/* The tables of a report. */
#include "cli/tables.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/utf8.h"
#include "run/reader.h"
#include "ui/groups.h"
#include "ui/outcomes.h"
#include "ui/spread.h"
#include "ui/text.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOP_ROWS = 10, SPREAD_ROWS = 12, COMMAND_MAX = 60, HASHES = 40 };

/* The records with the largest values, the largest first. */
struct top {
	struct top_row {
		int64_t value;
		char name[TEXT_TASK_MAX];
		int attempt;
		char host[64];
		char command[COMMAND_MAX + 1];
	} rows[TOP_ROWS];
	int count;
};

struct host {
	char *name;
	uint64_t attempts, failed, ran;
	double sum;
};

struct tables {
	uint64_t attempts;
	uint64_t by_reason[RESULT_REASONS];
	double user, system; /* seconds */
	struct top slowest, largest;
	void *tree; /* of hosts by name: tsearch(3) */
	struct host **hosts;
	size_t nhosts;
	struct spread times;
	struct groups *failures;
	struct buf text, shown; /* for unescaping, and as it is printed */
};

struct tables *
tables_new(void)
{
	struct tables *tables = xcalloc(1, sizeof(*tables));
	tables->failures = groups_new();
	return tables;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(((const struct host *)a)->name, ((const struct host *)b)->name);
}

void
tables_free(struct tables *tables)
{
	if (!tables)
		return;
	for (size_t i = 0; i < tables->nhosts; i++) {
		tdelete(tables->hosts[i], &tables->tree, compare_names);
		free(tables->hosts[i]->name);
		free(tables->hosts[i]);
	}
	free(tables->hosts);
	groups_free(tables->failures);
	buf_clear(&tables->text);
	buf_clear(&tables->shown);
	free(tables);
}

/* --- gathering --- */

/* Unescaped, printable, as a string of at most SIZE - 1 bytes. */
static void
take_text(struct tables *tables, const struct reader_text *from, char *room, size_t size)
{
	struct buf *buf = &tables->text, *shown = &tables->shown;
	size_t len = from->len < 4 * size ? from->len : 4 * size; /* an escape is four bytes */
	reader_unescape(buf, from->text, len);
	utf8_append_visible(shown, buf->data, utf8_cut(buf->data, buf->len, size - 1));
	memcpy(room, shown->data, shown->len);
	room[shown->len] = '\0';
	buf_consume(buf, buf->len);
	buf_consume(shown, shown->len);
}

static void
top_add(struct tables *tables, struct top *top, int64_t value, const struct reader_record *record)
{
	if (value <= 0 || (top->count == TOP_ROWS && value <= top->rows[TOP_ROWS - 1].value))
		return;
	int at = top->count < TOP_ROWS ? top->count++ : TOP_ROWS - 1;
	for (; at > 0 && top->rows[at - 1].value < value; at--)
		top->rows[at] = top->rows[at - 1];
	struct top_row *row = &top->rows[at];
	row->value = value;
	text_task(record->result.index, record->element.text, record->element.len, row->name);
	row->attempt = record->result.attempt;
	take_text(tables, &record->host, row->host, sizeof(row->host));
	take_text(tables, &record->command, row->command, sizeof(row->command));
}

static struct host *
host_of(struct tables *tables, const struct reader_text *text)
{
	char name[256];
	take_text(tables, text, name, sizeof(name));
	struct host key = {.name = name};
	struct host **found = tfind(&key, &tables->tree, compare_names);
	if (found)
		return *found;
	struct host *host = xcalloc(1, sizeof(*host));
	host->name = xstrdup(name);
	if (!tsearch(host, &tables->tree, compare_names))
		die(4, "out of memory");
	tables->hosts = xrealloc(tables->hosts, (tables->nhosts + 1) * sizeof(*tables->hosts));
	tables->hosts[tables->nhosts++] = host;
	return host;
}

static void
add_failure(struct tables *tables, const struct reader_record *record)
{
	struct buf *buf = &tables->text;
	reader_unescape(buf, record->host.text, record->host.len);
	size_t host_len = buf->len;
	reader_unescape(buf, record->command.text, record->command.len);
	groups_add(tables->failures, &(struct groups_failure){.result = &record->result,
					     .element = record->element.text,
					     .element_len = record->element.len,
					     .host = buf->data,
					     .host_len = host_len,
					     .command = buf->data + host_len,
					     .command_len = buf->len - host_len});
	buf_consume(buf, buf->len);
}

void
tables_add(struct tables *tables, const struct reader_record *record)
{
	const struct result *result = &record->result;
	struct host *host = host_of(tables, &record->host);
	double runtime = (double)result->runtime_ns / 1e9;
	tables->attempts++;
	tables->by_reason[result->reason]++;
	tables->user += (double)result->user_us / 1e6;
	tables->system += (double)result->system_us / 1e6;
	host->attempts++;
	host->sum += runtime;
	host->failed += groups_is_failure(result);
	top_add(tables, &tables->slowest, result->runtime_ns, record);
	top_add(tables, &tables->largest, result->maxrss_kib, record);
	if (result->runtime_ns) {
		host->ran++;
		spread_add(&tables->times, runtime);
	}
	if (groups_is_failure(result))
		add_failure(tables, record);
}

/* --- printing --- */

static void
print_totals(const struct tables *tables, struct buf *buf, size_t sessions)
{
	char room[TEXT_MAX];
	buf_printf(buf, "%llu attempt%s in %zu session%s%s", (unsigned long long)tables->attempts,
		tables->attempts == 1 ? "" : "s", sessions, sessions == 1 ? "" : "s",
		tables->attempts ? ": " : "\n");
	if (!tables->attempts)
		return;
	outcomes_print(buf, tables->by_reason);
	buf_printf(buf, "\nrun times in all %s, ", text_duration(tables->times.sum, room));
	buf_printf(buf, "CPU time: user %s, ", text_duration(tables->user, room));
	buf_printf(buf, "system %s\n", text_duration(tables->system, room));
}

static void
print_top(struct buf *buf, const struct top *top, const char *title, const char *column,
	void (*format)(char room[TEXT_MAX], int64_t value))
{
	if (!top->count)
		return;
	buf_printf(buf, "\n%s\n%12s %16s %7s  %-16s %s\n", title, column, "task", "attempt", "host",
		"command");
	for (int i = 0; i < top->count; i++) {
		const struct top_row *row = &top->rows[i];
		char room[TEXT_MAX];
		format(room, row->value);
		buf_printf(buf, "%12s %16s %7d  %-16s %s\n", room, strchr(row->name, ' ') + 1,
			row->attempt, row->host, row->command);
	}
}

static void
format_time(char room[TEXT_MAX], int64_t ns)
{
	text_duration((double)ns / 1e9, room);
}

static void
format_memory(char room[TEXT_MAX], int64_t kib)
{
	text_bytes((uint64_t)kib * 1024, room);
}

static double
mean_of(const struct host *host)
{
	return host->ran ? host->sum / (double)host->ran : 0;
}

static int
compare_means(const void *a, const void *b)
{
	const struct host *left = *(struct host *const *)a, *right = *(struct host *const *)b;
	double difference = mean_of(right) - mean_of(left);
	return difference > 0 ? 1 : difference < 0 ? -1 : strcmp(left->name, right->name);
}

/* The slowest first; RATIO is to the mean of all. */
static void
print_hosts(struct tables *tables, struct buf *buf)
{
	double mean = tables->times.total ? tables->times.sum / (double)tables->times.total : 0;
	qsort(tables->hosts, tables->nhosts, sizeof(*tables->hosts), compare_means);
	buf_printf(buf,
		"\nBy host, those with the longest run times first\n%-20s %10s %12s %12s %7s %8s\n",
		"host", "attempts", "run times", "mean", "of all", "failed");
	for (size_t i = 0; i < tables->nhosts; i++) {
		const struct host *host = tables->hosts[i];
		char sum[TEXT_MAX], own[TEXT_MAX];
		buf_printf(buf, "%-20s %10llu %12s %12s %6.0f%% %8llu\n", host->name,
			(unsigned long long)host->attempts, text_duration(host->sum, sum),
			text_duration(mean_of(host), own),
			mean > 0 ? 100 * mean_of(host) / mean : 0,
			(unsigned long long)host->failed);
	}
}

/* How many classes go into a row so that SPREAD_ROWS are enough for those from FIRST to LAST. */
static int
classes_a_row(int first, int last)
{
	int width = SPREAD_PER_OCTAVE;
	while (last / width - first / width >= SPREAD_ROWS)
		width += SPREAD_PER_OCTAVE;
	return width;
}

static void
print_rows(const struct spread *times, struct buf *buf)
{
	static const char hashes[] = "########################################";
	int first = 0, last = SPREAD_CLASSES - 1;
	uint64_t most = 1, counts[SPREAD_CLASSES] = {0};
	while (first < last && !times->counts[first])
		first++;
	while (last > first && !times->counts[last])
		last--;
	int width = classes_a_row(first, last);
	for (int i = first; i <= last; i++) {
		counts[i / width] += times->counts[i];
		most = counts[i / width] > most ? counts[i / width] : most;
	}
	for (int row = first / width; row <= last / width; row++) {
		char from[TEXT_MAX], to[TEXT_MAX];
		int len = (int)((double)counts[row] / (double)most * (int)HASHES + 0.5);
		buf_printf(buf, "%10s to %-10s %10llu %.*s\n",
			text_duration(spread_begin(row * width), from),
			text_duration(spread_begin((row + 1) * width), to),
			(unsigned long long)counts[row], len, hashes);
	}
}

static void
print_spread(const struct spread *times, struct buf *buf)
{
	static const struct {
		const char *name;
		double q;
	} marks[] = {{"median", 0.5}, {"90 %", 0.9}, {"99 %", 0.99}};
	char room[TEXT_MAX];
	if (!times->total)
		return;
	buf_append_string(buf, "\nRun times: ");
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
		buf_printf(buf, "%s %s, ", marks[i].name,
			text_duration(spread_quantile(times, marks[i].q), room));
	buf_printf(buf, "longest %s\n", text_duration(times->longest, room));
	print_rows(times, buf);
}

void
tables_print(struct tables *tables, struct buf *buf, size_t sessions)
{
	print_totals(tables, buf, sessions);
	if (!tables->attempts)
		return;
	print_spread(&tables->times, buf);
	print_hosts(tables, buf);
	print_top(buf, &tables->slowest, "Slowest", "run time", format_time);
	print_top(buf, &tables->largest, "Most memory", "peak", format_memory);
	if (!groups_count(tables->failures))
		return;
	buf_append_string(buf, "\nFailures\n");
	groups_print(tables->failures, "attempts", buf);
}

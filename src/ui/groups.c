/* Groups of failures. */
#include "ui/groups.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/utf8.h"
#include "tasks/result.h"
#include "ui/color.h"
#include "ui/text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { TAIL_LINES = 3, TAIL_MAX = 600, COMMAND_MAX = 120, LINE_MAX_BYTES = 200, HOSTS = 8 };

/* A host with many of a group's failures. When there are more than HOSTS, a new one takes the place
 * of that with the fewest and inherits their number, so that a host with more than an eighth of all
 * is always among them (the "space-saving" algorithm of Metwally and others). */
struct group_host {
	uint64_t hash;
	uint64_t count; /* 0: free */
	uint64_t inherited;
	char *name;
};

struct group {
	uint64_t key;
	uint64_t count;
	struct group_host hosts[HOSTS];
	/* the first of them */
	uint64_t index, line;
	struct result result;
	char *host, *command, *tail;
	char name[TEXT_TASK_MAX];
};

struct groups {
	struct group list[GROUPS_MAX];
	int count;
	uint64_t failures;
};

bool
groups_is_failure(const struct result *result)
{
	return result->reason != RESULT_OK && result->reason != RESULT_CANCELLED;
}

struct groups *
groups_new(void)
{
	return xcalloc(1, sizeof(struct groups));
}

void
groups_free(struct groups *groups)
{
	if (!groups)
		return;
	for (int i = 0; i < groups->count; i++) {
		free(groups->list[i].host);
		for (int k = 0; k < HOSTS; k++)
			free(groups->list[i].hosts[k].name);
		free(groups->list[i].command);
		free(groups->list[i].tail);
	}
	free(groups);
}

uint64_t
groups_count(const struct groups *groups)
{
	return groups->failures;
}

/* --- sorting in --- */

static size_t
without_newlines(const char *text, size_t len)
{
	while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	return len;
}

/* Where the last N lines begin. */
static size_t
last_lines(const char *text, size_t len, int n)
{
	while (len && (text[len - 1] != '\n' || --n))
		len--;
	return len;
}

/* The last line with each run of digits as one '#'. */
static size_t
shape_of(const struct groups_failure *failure, char shape[LINE_MAX_BYTES])
{
	size_t end = without_newlines(failure->tail, failure->tail_len), used = 0;
	for (size_t i = last_lines(failure->tail, end, 1); i < end && used < LINE_MAX_BYTES; i++) {
		bool digit = isdigit((unsigned char)failure->tail[i]);
		if (!digit || !used || shape[used - 1] != '#')
			shape[used++] = digit ? '#' : failure->tail[i];
	}
	return used;
}

static uint64_t
key_of(const struct groups_failure *failure)
{
	const struct result *result = failure->result;
	int numbers[] = {result->reason, result->signal, result->signal ? 0 : result->exit_code,
		result->reason == RESULT_SPAWN ? result->step : 0,
		result->reason == RESULT_SPAWN ? result->error : 0};
	char shape[LINE_MAX_BYTES];
	size_t len = shape_of(failure, shape);
	uint64_t key = hash_add(HASH_START, (const char *)numbers, sizeof(numbers));
	return hash_add(key, shape, len);
}

static char *
copy(const char *text, size_t len)
{
	char *new = xmalloc(len + 1);
	if (len)
		memcpy(new, text, len);
	new[len] = '\0';
	return new;
}

static void
count_host(struct group *group, const struct groups_failure *failure)
{
	uint64_t hash = hash_add(HASH_START, failure->host, failure->host_len);
	struct group_host *host = &group->hosts[0];
	for (int i = 0; i < HOSTS; i++) {
		struct group_host *other = &group->hosts[i];
		if (other->count && other->hash == hash) {
			other->count++;
			return;
		}
		if (other->count < host->count)
			host = other;
	}
	free(host->name);
	*host = (struct group_host){.hash = hash,
		.count = host->count + 1,
		.inherited = host->count,
		.name = copy(failure->host, failure->host_len)};
}

static void
add_group(struct groups *groups, uint64_t key, const struct groups_failure *failure)
{
	size_t command = utf8_cut(failure->command, failure->command_len, COMMAND_MAX);
	size_t end = without_newlines(failure->tail, failure->tail_len);
	size_t from = last_lines(failure->tail, end, TAIL_LINES);
	from = end - from > TAIL_MAX ? end - TAIL_MAX : from;
	struct group *group = &groups->list[groups->count++];
	*group = (struct group){.key = key,
		.count = 1,
		.index = failure->result->index,
		.line = failure->line,
		.result = *failure->result,
		.host = copy(failure->host, failure->host_len),
		.command = copy(failure->command, command),
		.tail = copy(failure->tail ? failure->tail + from : "", end - from)};
	text_task(group->index, failure->element, failure->element_len, group->name);
	count_host(group, failure);
}

void
groups_add(struct groups *groups, const struct groups_failure *failure)
{
	uint64_t key = key_of(failure);
	groups->failures++;
	for (int i = 0; i < groups->count; i++) {
		struct group *group = &groups->list[i];
		if (group->key != key)
			continue;
		group->count++;
		count_host(group, failure);
		return;
	}
	if (groups->count < GROUPS_MAX)
		add_group(groups, key, failure);
}

/* --- printing --- */

static void
print_tail(struct buf *buf, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		buf_append_string(buf, "    | ");
		utf8_append_visible(buf, text, len);
		buf_append_string(buf, "\n");
		text += len + (text[len] == '\n');
	}
}

static void
print_end(struct buf *buf, const struct result *result)
{
	color_append(buf, COLOR_RED);
	if (result->reason == RESULT_SPAWN && result->step)
		buf_printf(buf, "could not be started (%s: %s)", result_step_name(result->step),
			strerror(result->error));
	else if (result->reason == RESULT_SPAWN)
		buf_append_string(buf, "could not be started");
	else if (result->reason == RESULT_LOST)
		buf_append_string(buf, "lost");
	else if (result->reason == RESULT_TIMEOUT)
		buf_append_string(buf, "stopped at its time limit");
	else if (result->reason == RESULT_OUTPUT)
		buf_append_string(buf, "its output could not be kept");
	else if (result->reason == RESULT_OOM)
		buf_append_string(buf, "killed for memory");
	else if (result->signal)
		buf_printf(buf, "signal %d (%s)", result->signal, strsignal(result->signal));
	else
		buf_printf(buf, "exit code %d", result->exit_code);
	color_append(buf, COLOR_OFF);
}

/* The host of all of them, or of more than half. */
static void
print_common_host(struct buf *buf, const struct group *group)
{
	for (int i = 0; i < HOSTS; i++) {
		const struct group_host *host = &group->hosts[i];
		uint64_t surely = host->count - host->inherited;
		if (surely <= group->count / 2)
			continue;
		buf_append_string(buf, surely == group->count ? ", all on " : ", most of them on ");
		utf8_append_visible(buf, host->name, strlen(host->name));
	}
}

static void
print_group(struct buf *buf, const struct group *group, const char *noun)
{
	buf_append_string(buf, "  ");
	if (group->count > 1) {
		buf_printf(buf, "%llu %s", (unsigned long long)group->count, noun);
		print_common_host(buf, group);
		buf_append_string(buf, ": ");
		print_end(buf, &group->result);
		buf_append_string(buf, ", such as\n  ");
	}
	buf_append_string(buf, group->name);
	if (group->line)
		buf_printf(buf, " (line %llu)", (unsigned long long)group->line);
	buf_append_string(buf, " on ");
	utf8_append_visible(buf, group->host, strlen(group->host));
	buf_append_string(buf, ": ");
	if (group->count == 1) {
		print_end(buf, &group->result);
		buf_append_string(buf, ": ");
	}
	utf8_append_visible(buf, group->command, strlen(group->command));
	buf_append_string(buf, "\n");
	print_tail(buf, group->tail);
}

static int
compare_groups(const void *a, const void *b)
{
	const struct group *left = a, *right = b;
	if (left->count != right->count)
		return left->count < right->count ? 1 : -1;
	return (left->index > right->index) - (left->index < right->index);
}

void
groups_print(struct groups *groups, const char *noun, struct buf *buf)
{
	uint64_t others = groups->failures;
	qsort(groups->list, (size_t)groups->count, sizeof(*groups->list), compare_groups);
	for (int i = 0; i < groups->count && i < GROUPS_SHOWN; i++) {
		print_group(buf, &groups->list[i], noun);
		others -= groups->list[i].count;
	}
	if (others)
		buf_printf(buf, "  %llu others\n", (unsigned long long)others);
}

/* Lines of the journal. */
#include "run/record.h"

#include "base/buf.h"
#include "run/store.h"
#include "tasks/result.h"
#include "tasks/task.h"

#include <stdbool.h>
#include <string.h>

static const char version_line[] = "# mpbatch journal 2\n";
static const char header_line[] =
	"session\tindex\tattempt\thost\trank\tslot\tcores\tstart\truntime\tuser\tsystem\tmaxrss\t"
	"exit\tsignal\treason\tvia\tstdout\tstderr\tstore\tout\terr\telement\tstrays\tid\tcommand\t"
	"sum\n";

void
record_header(struct buf *buf)
{
	buf_append_string(buf, version_line);
	buf_append_string(buf, header_line);
}

void
record_escape(struct buf *buf, const char *text, unsigned long len)
{
	unsigned long plain = 0; /* where the bytes that stay as they are begin */
	for (unsigned long i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];
		if (c >= ' ' && c != '\\' && c != 0x7f)
			continue;
		buf_append(buf, text + plain, i - plain);
		plain = i + 1;
		if (c == '\t')
			buf_append(buf, "\\t", 2);
		else if (c == '\n')
			buf_append(buf, "\\n", 2);
		else if (c == '\\')
			buf_append(buf, "\\\\", 2);
		else
			buf_printf(buf, "\\x%02x", c);
	}
	buf_append(buf, text + plain, len - plain);
}

/* Numbers by hand: snprintf would be most of what a record costs. */
static char *
put_number(char *at, uint64_t value)
{
	char digits[24];
	int n = 0;
	do
		digits[n++] = (char)('0' + value % 10);
	while (value /= 10);
	while (n)
		*at++ = digits[--n];
	return at;
}

static char *
put_tab(char *at)
{
	*at++ = '\t';
	return at;
}

static char *
put_seconds(char *at, int64_t microseconds)
{
	uint64_t us = microseconds > 0 ? (uint64_t)microseconds : 0;
	at = put_number(at, us / 1000000);
	*at++ = '.';
	for (uint64_t digit = 100000; digit; digit /= 10)
		*at++ = (char)('0' + us / digit % 10);
	return put_tab(at);
}

static char *
put_hex(char *at, uint64_t value, int digits)
{
	for (int shift = 4 * digits - 4; shift >= 0; shift -= 4)
		*at++ = "0123456789abcdef"[value >> shift & 15];
	return at;
}

/* FILE:OFFSET:SUM, or "-". */
static char *
put_stored(char *at, const struct record *record)
{
	const struct result *result = record->result;
	if (!result->stored) {
		*at++ = '-';
		return at;
	}
	store_name(record->session, record->rank, record->slot, at);
	at += strlen(at);
	*at++ = ':';
	at = put_number(at, result->stored_at);
	*at++ = ':';
	return put_hex(at, result->stored_sum, 16);
}

/* The file that the task writes, with the tab behind it. */
static void
append_file(struct buf *buf, const struct record *record, const char *file)
{
	const char *cwd = record->task->cwd;
	if (*file && *file != '/' && *cwd != '/') {
		record_escape(buf, record->directory, strlen(record->directory));
		buf_append(buf, "/", 1);
	}
	if (*file && *file != '/' && *cwd) {
		record_escape(buf, cwd, strlen(cwd));
		buf_append(buf, "/", 1);
	}
	record_escape(buf, *file ? file : "-", *file ? strlen(file) : 1);
	buf_append(buf, "\t", 1);
}

uint32_t
record_sum(const char *line, size_t len)
{
	uint64_t hash = store_hash(0, 0, line, len);
	return (uint32_t)(hash ^ hash >> 32);
}

/* How it ended is known: an attempt that was given up for lost or at an interrupt has no run time.
 */
static bool
has_exit_code(const struct result *result)
{
	if (result->signal || result->reason == RESULT_LOST)
		return false;
	return result->reason != RESULT_CANCELLED || result->runtime_ns;
}

/* The columns from start to id. */
static void
append_result(struct buf *buf, const struct record *record)
{
	const struct result *result = record->result;
	char text[512], *at = text;
	at = put_seconds(at, result->start_us);
	at = put_seconds(at, result->runtime_ns / 1000);
	at = put_seconds(at, result->user_us);
	at = put_seconds(at, result->system_us);
	at = put_tab(put_number(at, (uint64_t)result->maxrss_kib));
	if (has_exit_code(result))
		at = put_number(at, (uint64_t)result->exit_code);
	at = put_tab(at);
	at = put_tab(put_number(at, (uint64_t)result->signal));
	buf_append(buf, text, (size_t)(at - text));
	buf_append_string(buf, result_reason_names[result->reason]);
	buf_append(buf, "\t", 1);
	buf_append_string(buf, result_via_names[result->via]);
	at = put_tab(text);
	at = put_tab(put_number(at, result->out_bytes));
	at = put_tab(put_number(at, result->err_bytes));
	at = put_tab(put_stored(at, record));
	buf_append(buf, text, (size_t)(at - text));
	append_file(buf, record, record->task->out);
	append_file(buf, record, record->task->err);
	size_t len;
	const char *element = task_element(record->task, &len);
	buf_append(buf, len ? element : "-", len ? len : 1);
	buf_append(buf, "\t", 1);
	at = put_tab(put_number(text, result->strays));
	at = put_tab(put_hex(at, task_identity(record->task), 16));
	buf_append(buf, text, (size_t)(at - text));
}

void
record_append(struct buf *buf, const struct record *record)
{
	const struct task *task = record->task;
	char text[128], *at = text;
	size_t begin = buf->len;
	at = put_tab(put_number(at, (uint64_t)record->session));
	at = put_tab(put_number(at, task->index));
	at = put_tab(put_number(at, task->attempt));
	buf_append(buf, text, (size_t)(at - text));
	record_escape(buf, record->host, strlen(record->host));
	at = put_tab(text);
	at = put_tab(put_number(at, (uint64_t)record->rank));
	at = put_tab(put_number(at, (uint64_t)record->slot));
	buf_append(buf, text, (size_t)(at - text));
	buf_append_string(buf, record->cores[0] ? record->cores : "-");
	buf_append(buf, "\t", 1);
	append_result(buf, record);
	record_escape(buf, task->command, task->command_len);
	buf_append(buf, "\t", 1);
	at = put_hex(text, record_sum(buf->data + begin, buf->len - begin), 8);
	*at++ = '\n';
	buf_append(buf, text, (size_t)(at - text));
}

/* Journals as CSV and JSON. */
#include "cli/joined.h"

#include "base/buf.h"
#include "base/utf8.h"
#include "run/reader.h"
#include "run/store.h"
#include "tasks/result.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* --- CSV --- */

static void
put_csv(struct buf *buf, const char *text, size_t len)
{
	bool plain = true;
	for (size_t i = 0; i < len && plain; i++)
		plain = text[i] != ',' && text[i] != '"' && text[i] != '\r' && text[i] != '\n';
	if (plain) {
		buf_append(buf, text, len);
		return;
	}
	buf_append(buf, "\"", 1);
	for (size_t i = 0; i < len; i++)
		buf_append(buf, text[i] == '"' ? "\"\"" : &text[i], text[i] == '"' ? 2 : 1);
	buf_append(buf, "\"", 1);
}

/* --- JSON --- */

static void
put_odd(struct buf *buf, unsigned char c)
{
	if (c == '"' || c == '\\')
		buf_printf(buf, "\\%c", c);
	else if (c < 0x80)
		buf_printf(buf, "\\u%04x", c);
	else
		buf_append_string(buf, "\xef\xbf\xbd");
}

void
joined_json_string(struct buf *buf, const char *text, unsigned long len)
{
	size_t plain = 0, at = 0; /* what stays as it is begins at PLAIN */
	buf_append(buf, "\"", 1);
	while (at < len) {
		unsigned char c = (unsigned char)text[at];
		bool odd = c < ' ' || c == 0x7f || c == '"' || c == '\\';
		size_t n = c < 0x80 ? !odd : utf8_length(text + at, len - at);
		if (!n) {
			buf_append(buf, text + plain, at - plain);
			put_odd(buf, c);
			plain = at + 1;
		}
		at += n ? n : 1;
	}
	buf_append(buf, text + plain, len - plain);
	buf_append(buf, "\"", 1);
}

/* --- records --- */

/* A line at work. With NAMES it is CSV's first: the columns' names instead of their values. */
struct row {
	struct buf *buf;
	enum joined_format format;
	bool names;
	int columns; /* so far */
	struct buf text;
};

/* A JSON number is as it is in the journal; what is empty is null. */
static void
put(struct row *row, const char *name, const char *value, size_t len, bool is_number)
{
	if (row->columns++)
		buf_append(row->buf, ",", 1);
	if (row->format == JOINED_JSON) { /* not buf_printf(): it is most of what a record costs */
		buf_append(row->buf, "\"", 1);
		buf_append_string(row->buf, name);
		buf_append(row->buf, "\":", 2);
	}
	if (row->names)
		buf_append_string(row->buf, name);
	else if (row->format == JOINED_CSV)
		put_csv(row->buf, value, len);
	else if (!len)
		buf_append_string(row->buf, "null");
	else if (is_number)
		buf_append(row->buf, value, len);
	else
		joined_json_string(row->buf, value, len);
}

static void
put_string(struct row *row, const char *name, const char *value)
{
	put(row, name, value, strlen(value), false);
}

static void
put_text(struct row *row, const char *name, const struct reader_text *text)
{
	reader_unescape(&row->text, text->text, text->len);
	put(row, name, row->text.data, row->text.len, false);
	buf_consume(&row->text, row->text.len);
}

static void
put_number(struct row *row, const char *name, int64_t value, bool known)
{
	char text[32];
	int len = known ? snprintf(text, sizeof(text), "%" PRId64, value) : 0;
	put(row, name, text, (size_t)len, true);
}

static void
put_seconds(struct row *row, const char *name, int64_t us)
{
	char text[32];
	us = us > 0 ? us : 0;
	int len =
		snprintf(text, sizeof(text), "%" PRId64 ".%06" PRId64, us / 1000000, us % 1000000);
	put(row, name, text, (size_t)len, true);
}

static void
put_record(struct row *row, const struct reader_record *record)
{
	const struct result *result = &record->result;
	char id[20], stored[STORE_NAME_MAX + 48] = "";
	if (record->stored)
		snprintf(stored, sizeof(stored), "%.*s:%" PRIu64 ":%016" PRIx64,
			(int)record->store_name.len, record->store_name.text, record->stored_at,
			record->stored_sum);
	snprintf(id, sizeof(id), "%016" PRIx64, record->id);
	put_number(row, "session", record->session, true);
	put_number(row, "index", (int64_t)result->index, true);
	put(row, "element", record->element.text, record->element.len, false);
	put_number(row, "attempt", result->attempt, true);
	put_text(row, "host", &record->host);
	put_number(row, "rank", record->rank, true);
	put_number(row, "slot", record->slot, true);
	put_text(row, "cores", &record->cores);
	put_seconds(row, "start", result->start_us);
	put_seconds(row, "runtime", result->runtime_ns / 1000);
	put_seconds(row, "user", result->user_us);
	put_seconds(row, "system", result->system_us);
	put_number(row, "maxrss", result->maxrss_kib, true);
	put_number(row, "exit", result->exit_code, record->has_exit);
	put_number(row, "signal", result->signal, true);
	put_string(row, "reason", result_reason_names[result->reason]);
	put_string(row, "via", result_via_names[result->via]);
	put_number(row, "stdout", (int64_t)result->out_bytes, true);
	put_number(row, "stderr", (int64_t)result->err_bytes, true);
	put_string(row, "store", stored);
	put_number(row, "strays", result->strays, true);
	put_string(row, "id", id);
	put_text(row, "command", &record->command);
	buf_clear(&row->text);
}

void
joined_begin(struct buf *buf, enum joined_format format)
{
	static const struct reader_record none;
	struct row row = {.buf = buf, .format = JOINED_CSV, .names = true};
	if (format == JOINED_JSON) {
		buf_append_string(buf, "[");
		return;
	}
	put_record(&row, &none);
	buf_append_string(buf, "\r\n");
}

void
joined_add(struct buf *buf, enum joined_format format, const struct reader_record *record,
	bool is_first)
{
	struct row row = {.buf = buf, .format = format};
	if (format == JOINED_JSON)
		buf_append_string(buf, is_first ? "\n{" : ",\n{");
	put_record(&row, record);
	buf_append_string(buf, format == JOINED_JSON ? "}" : "\r\n");
}

void
joined_end(struct buf *buf, enum joined_format format)
{
	if (format == JOINED_JSON)
		buf_append_string(buf, "\n]\n");
}

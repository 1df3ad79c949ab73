/* Reading journals, a block at a time. */
#include "run/reader.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "run/record.h"
#include "run/store.h"
#include "run/within.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ_BYTES = 1 << 20, COLUMNS_MAX = 64 };

/* No run comes to a task beyond this; and a reader of such a record would want memory for all
 * before it. */
#define INDEX_MAX (UINT64_C(1) << 40)

enum column {
	COLUMN_SESSION,
	COLUMN_INDEX,
	COLUMN_ATTEMPT,
	COLUMN_HOST,
	COLUMN_RANK,
	COLUMN_SLOT,
	COLUMN_CORES,
	COLUMN_START,
	COLUMN_RUNTIME,
	COLUMN_USER,
	COLUMN_SYSTEM,
	COLUMN_MAXRSS,
	COLUMN_EXIT,
	COLUMN_SIGNAL,
	COLUMN_REASON,
	COLUMN_VIA,
	COLUMN_STDOUT,
	COLUMN_STDERR,
	COLUMN_STORE,
	COLUMN_STRAYS,
	COLUMN_ID,
	COLUMN_COMMAND,
	COLUMN_SUM,
	COLUMNS_FIRST, /* as many had the journals of version 1 */
	COLUMN_OUT = COLUMNS_FIRST,
	COLUMN_ERR,
	COLUMN_ELEMENT,
	COLUMNS
};

static const char *const column_names[COLUMNS] = {"session", "index", "attempt", "host", "rank",
	"slot", "cores", "start", "runtime", "user", "system", "maxrss", "exit", "signal", "reason",
	"via", "stdout", "stderr", "store", "strays", "id", "command", "sum", "out", "err",
	"element"};

struct reader {
	char *path;
	int fd;
	struct buf buf;
	bool brief;	     /* records are without times and other details */
	bool is_first;	     /* of version 1 */
	bool begun;	     /* the head lines are read */
	int places[COLUMNS]; /* where each column stands */
	int columns;	     /* how many the file has */
	uint64_t line;	     /* the number of the line given last */
	uint64_t damaged, first_damaged;
	size_t given; /* bytes of the record given last, still in BUF */
};

static const char version_line[] = "# mpbatch journal 2";
static const char first_version_line[] = "# mpbatch journal 1";

/* --- lines --- */

/* The next whole line, without its end: 1; 0 if there is none now; -1 with ERR. */
static int
next_line(struct reader *reader, struct reader_text *line, struct err *err)
{
	struct buf *buf = &reader->buf;
	buf_consume(buf, reader->given);
	reader->given = 0;
	size_t searched = 0;
	for (;;) {
		char *end = buf->len > searched
				    ? memchr(buf->data + searched, '\n', buf->len - searched)
				    : NULL;
		if (end) {
			*line = (struct reader_text){buf->data, (size_t)(end - buf->data)};
			reader->given = line->len + 1;
			reader->line++;
			return 1;
		}
		searched = buf->len;
		ssize_t got = read(reader->fd, buf_room(buf, READ_BYTES), READ_BYTES);
		if (got < 0 && errno != EINTR)
			return err_set_errno(err, "%s: cannot read", reader->path);
		if (got == 0)
			return 0;
		if (got > 0)
			buf_added(buf, (size_t)got);
	}
}

/* Cuts LINE at its tabs; returns how many fields there are. */
static int
split(struct reader_text line, struct reader_text *fields)
{
	const char *at = line.text, *end = line.text + line.len;
	for (int n = 0; n < COLUMNS_MAX;) {
		const char *tab = memchr(at, '\t', (size_t)(end - at));
		fields[n++] = (struct reader_text){at, (size_t)((tab ? tab : end) - at)};
		if (!tab)
			return n;
		at = tab + 1;
	}
	return COLUMNS_MAX + 1;
}

static bool
text_is(struct reader_text text, const char *other)
{
	return text.len == strlen(other) && memcmp(text.text, other, text.len) == 0;
}

/* --- the head --- */

static int
take_columns(struct reader *reader, struct reader_text line, struct err *err)
{
	struct reader_text fields[COLUMNS_MAX];
	int needed = reader->is_first ? COLUMNS_FIRST : COLUMNS;
	reader->columns = split(line, fields);
	for (int column = 0; column < COLUMNS; column++) {
		reader->places[column] = -1;
		for (int i = 0; i < reader->columns && i < COLUMNS_MAX; i++)
			if (text_is(fields[i], column_names[column]))
				reader->places[column] = i;
		if (column < needed && reader->places[column] < 0)
			return err_set(err, "%s:2: damaged: the column '%s' is missing",
				reader->path, column_names[column]);
	}
	return 0;
}

/* 1: it is read; 0: it is not there yet. */
static int
take_head(struct reader *reader, struct err *err)
{
	struct reader_text line = {NULL, 0};
	int got = 1;
	if (reader->line == 0)
		got = next_line(reader, &line, err);
	bool head = got > 0 && reader->line == 1 && reader->given;
	reader->is_first = reader->is_first || (head && text_is(line, first_version_line));
	if (head && !reader->is_first && !text_is(line, version_line))
		return err_set(err, "%s:1: not a journal, or damaged: expected '%s'", reader->path,
			version_line);
	if (got > 0)
		got = next_line(reader, &line, err);
	if (got > 0 && take_columns(reader, line, err) < 0)
		return -1;
	reader->begun = got > 0;
	return got;
}

/* --- a record --- */

struct fields {
	const struct reader *reader;
	const struct reader_text *texts;
	bool bad;
};

static struct reader_text
field(const struct fields *fields, enum column column)
{
	int place = fields->reader->places[column];
	return place < 0 ? (struct reader_text){"", 0} : fields->texts[place];
}

static uint64_t
parse_decimal(struct reader_text text, bool *bad)
{
	uint64_t value = 0;
	*bad = *bad || !text.len || text.len > 19;
	for (size_t i = 0; i < text.len; i++) {
		*bad = *bad || text.text[i] < '0' || text.text[i] > '9';
		value = 10 * value + (uint64_t)(text.text[i] - '0');
	}
	return value;
}

static uint64_t
number(struct fields *fields, enum column column)
{
	return parse_decimal(field(fields, column), &fields->bad);
}

/* The value of a digit plus one; 0: it is none. */
static const unsigned char hex_digits[256] = {['0'] = 1,
	['1'] = 2,
	['2'] = 3,
	['3'] = 4,
	['4'] = 5,
	['5'] = 6,
	['6'] = 7,
	['7'] = 8,
	['8'] = 9,
	['9'] = 10,
	['a'] = 11,
	['b'] = 12,
	['c'] = 13,
	['d'] = 14,
	['e'] = 15,
	['f'] = 16};

static uint64_t
parse_hex(struct reader_text text, size_t digits, bool *bad)
{
	uint64_t value = 0;
	bool wrong = text.len != digits;
	for (size_t i = 0; i < text.len; i++) {
		unsigned digit = hex_digits[(unsigned char)text.text[i]];
		wrong |= !digit;
		value = value << 4 | ((digit - 1) & 15);
	}
	*bad = *bad || wrong;
	return value;
}

/* Seconds with six decimals, in microseconds. */
static int64_t
microseconds(struct fields *fields, enum column column)
{
	struct reader_text text = field(fields, column);
	if (text.len < 8 || text.text[text.len - 7] != '.') {
		fields->bad = true;
		return 0;
	}
	struct reader_text whole = {text.text, text.len - 7};
	struct reader_text part = {text.text + text.len - 6, 6};
	uint64_t seconds = parse_decimal(whole, &fields->bad);
	return (int64_t)(seconds * 1000000 + parse_decimal(part, &fields->bad));
}

static uint8_t
name_of(struct fields *fields, enum column column, const char *const *names, int count)
{
	struct reader_text text = field(fields, column);
	for (int i = 0; i < count; i++)
		if (text_is(text, names[i]))
			return (uint8_t)i;
	fields->bad = true;
	return 0;
}

/* FILE:OFFSET:SUM */
static void
take_stored(struct fields *fields, struct reader_record *record)
{
	struct reader_text text = field(fields, COLUMN_STORE);
	if (text_is(text, "-"))
		return;
	const char *second = memrchr(text.text, ':', text.len);
	const char *first = second ? memrchr(text.text, ':', (size_t)(second - text.text)) : NULL;
	if (!first) {
		fields->bad = true;
		return;
	}
	const char *end = text.text + text.len;
	record->stored = record->result.stored = true;
	record->store_name = (struct reader_text){text.text, (size_t)(first - text.text)};
	fields->bad |= !store_is_name(text.text, record->store_name.len);
	record->stored_at = parse_decimal(
		(struct reader_text){first + 1, (size_t)(second - first) - 1}, &fields->bad);
	record->stored_sum = parse_hex(
		(struct reader_text){second + 1, (size_t)(end - second) - 1}, 16, &fields->bad);
}

/* What it took, and how it ended in detail. */
static void
take_details(struct fields *fields, struct result *result)
{
	result->via = name_of(fields, COLUMN_VIA, result_via_names, RESULT_VIAS);
	result->signal = (int32_t)number(fields, COLUMN_SIGNAL);
	result->strays = (uint32_t)number(fields, COLUMN_STRAYS);
	result->start_us = microseconds(fields, COLUMN_START);
	result->runtime_ns = microseconds(fields, COLUMN_RUNTIME) * 1000;
	result->user_us = microseconds(fields, COLUMN_USER);
	result->system_us = microseconds(fields, COLUMN_SYSTEM);
	result->maxrss_kib = (int64_t)number(fields, COLUMN_MAXRSS);
	if (field(fields, COLUMN_EXIT).len)
		result->exit_code = (int32_t)number(fields, COLUMN_EXIT);
}

static bool
sum_is_right(const struct reader *reader, struct reader_text line, struct reader_text sum)
{
	bool bad = reader->places[COLUMN_SUM] != reader->columns - 1;
	uint64_t written = parse_hex(sum, 8, &bad);
	return !bad && record_sum(line.text, line.len - sum.len) == written;
}

static bool
take_record(const struct reader *reader, struct reader_text line, struct reader_record *record)
{
	struct reader_text texts[COLUMNS_MAX];
	struct fields fields = {.reader = reader, .texts = texts};
	if (split(line, texts) != reader->columns ||
		!sum_is_right(reader, line, texts[reader->places[COLUMN_SUM]]))
		return false;
	struct reader_record made = {.session = (int)number(&fields, COLUMN_SESSION),
		.result = {.index = number(&fields, COLUMN_INDEX),
			.attempt = (uint16_t)number(&fields, COLUMN_ATTEMPT),
			.reason = name_of(
				&fields, COLUMN_REASON, result_reason_names, RESULT_REASONS),
			.out_bytes = number(&fields, COLUMN_STDOUT),
			.err_bytes = number(&fields, COLUMN_STDERR)},
		.has_exit = field(&fields, COLUMN_EXIT).len,
		.rank = (int)number(&fields, COLUMN_RANK),
		.slot = (int)number(&fields, COLUMN_SLOT),
		.host = field(&fields, COLUMN_HOST),
		.cores = field(&fields, COLUMN_CORES),
		.command = field(&fields, COLUMN_COMMAND),
		.out = field(&fields, COLUMN_OUT),
		.err = field(&fields, COLUMN_ERR),
		.element = field(&fields, COLUMN_ELEMENT)};
	if (text_is(made.element, "-"))
		made.element.len = 0;
	if (!reader->brief)
		take_details(&fields, &made.result);
	fields.bad |= made.result.index > INDEX_MAX;
	made.id = parse_hex(field(&fields, COLUMN_ID), 16, &fields.bad);
	take_stored(&fields, &made);
	made.result.stored_at = made.stored_at;
	made.result.stored_sum = made.stored_sum;
	if (!fields.bad)
		*record = made;
	return !fields.bad;
}

int
reader_next(struct reader *reader, struct reader_record *record, struct err *err)
{
	int got = reader->begun ? 1 : take_head(reader, err);
	while (got > 0) {
		struct reader_text line;
		got = next_line(reader, &line, err);
		if (got > 0 && take_record(reader, line, record))
			return 1;
		if (got > 0 && !reader->damaged++)
			reader->first_damaged = reader->line;
	}
	return got;
}

/* --- the file --- */

struct reader *
reader_open(const char *path, struct err *err)
{
	struct reader *reader = xcalloc(1, sizeof(*reader));
	reader->path = xstrdup(path);
	reader->fd = within_open(path, O_RDONLY);
	int got = reader->fd < 0 ? err_set_errno(err, "%s: cannot read", path)
				 : take_head(reader, err);
	if (got >= 0)
		return reader;
	reader_free(reader);
	return NULL;
}

void
reader_free(struct reader *reader)
{
	if (!reader)
		return;
	if (reader->fd >= 0)
		close(reader->fd);
	buf_clear(&reader->buf);
	free(reader->path);
	free(reader);
}

void
reader_be_brief(struct reader *reader)
{
	reader->brief = true;
}

uint64_t
reader_damaged(const struct reader *reader, uint64_t *first_line)
{
	if (first_line)
		*first_line = reader->first_damaged;
	return reader->damaged;
}

bool
reader_torn(const struct reader *reader)
{
	return reader->buf.len > reader->given;
}

void
reader_unescape(struct buf *buf, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		size_t left = len - i;
		bool bad = false;
		if (c == '\\' && left > 3 && text[i + 1] == 'x') {
			c = (char)parse_hex((struct reader_text){text + i + 2, 2}, 2, &bad);
			i += 3;
		} else if (c == '\\' && left > 1) {
			c = text[++i];
			c = c == 't' ? '\t' : c == 'n' ? '\n' : c;
		}
		buf_append(buf, &c, 1);
	}
}

static int
compare_numbers(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

int *
reader_sessions(const char *run_dir, size_t *count)
{
	DIR *dir = opendir(run_dir);
	struct dirent *entry;
	int *sessions = NULL;
	*count = 0;
	while (dir && (entry = readdir(dir))) {
		int session, end = 0;
		if (sscanf(entry->d_name, "journal.%9d.tsv%n", &session, &end) != 1 || !end ||
			entry->d_name[end] || session < 1)
			continue;
		sessions = xrealloc(sessions, (*count + 1) * sizeof(*sessions));
		sessions[(*count)++] = session;
	}
	if (dir)
		closedir(dir);
	if (*count)
		qsort(sessions, *count, sizeof(*sessions), compare_numbers);
	return sessions;
}

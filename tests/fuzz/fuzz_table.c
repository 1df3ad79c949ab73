/*
 * Any bytes as a table, from a file and in two pieces through a pipe: both must give the same
 * records or the same error, with a line and a column in it, and the records written down again,
 * all quoted, must be read as the same.
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/pack.h"
#include "tasks/table.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
quote(struct buf *csv, struct value value)
{
	buf_append_string(csv, "\"");
	for (size_t i = 0; i < value.len; i++) {
		if (value.text[i] == '"')
			buf_append_string(csv, "\"");
		buf_append(csv, value.text + i, 1);
	}
	buf_append_string(csv, "\"");
}

/* Packs the records into ALL, and writes them down as a table into AGAIN, until something else
 * than a record comes. */
static enum next
read_records(
	struct table *table, char delimiter, struct buf *all, struct buf *again, struct err *err)
{
	enum next next;
	struct row row;
	while ((next = table_next(table, &row, err)) == NEXT_ONE) {
		must(row.count > 0 && row.line > 0);
		pack_u32(all, (uint32_t)row.count);
		for (size_t i = 0; i < row.count; i++) {
			pack_bytes(all, row.values[i].text, row.values[i].len);
			if (i > 0)
				buf_append(again, &delimiter, 1);
			quote(again, row.values[i]);
		}
		buf_append_string(again, "\n");
	}
	return next;
}

/* The place in an error; what comes before it is the path. */
static void
check_error(const struct err *err)
{
	unsigned long long line = 0, column = 0;
	const char *place = strchr(err->text, ':');
	must(place && sscanf(place, ":%llu:%llu: ", &line, &column) == 2 && line && column);
}

static bool
same(const struct buf *a, const struct buf *b)
{
	return a->len == b->len && (!a->len || memcmp(a->data, b->data, a->len) == 0);
}

static enum next
read_file(const void *data, size_t size, char delimiter, struct buf *all, struct buf *again,
	struct err *err)
{
	char path[64];
	FILE *file = tmpfile();
	must(file && write(fileno(file), data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fileno(file));
	struct table *table = table_open(path, delimiter, NULL, err);
	must(table);
	enum next next = read_records(table, delimiter, all, again, err);
	must(next == NEXT_END || next == NEXT_ERROR);
	if (next == NEXT_ERROR)
		check_error(err);
	table_free(table);
	fclose(file);
	return next;
}

static enum next
read_pipe(const uint8_t *data, size_t size, char delimiter, struct buf *all, struct err *err)
{
	char path[64];
	int ends[2];
	size_t first = size ? data[size - 1] % size : 0;
	struct buf again = {0};
	must(pipe2(ends, O_CLOEXEC) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", ends[0]);
	struct table *table = table_open(path, delimiter, NULL, err);
	must(table && write(ends[1], data, first) == (ssize_t)first);
	enum next next = read_records(table, delimiter, all, &again, err);
	must(next == NEXT_WAIT || next == NEXT_ERROR);
	if (next == NEXT_WAIT)
		must(write(ends[1], data + first, size - first) == (ssize_t)(size - first));
	close(ends[1]);
	if (next == NEXT_WAIT)
		next = read_records(table, delimiter, all, &again, err);
	table_free(table);
	close(ends[0]);
	buf_clear(&again);
	return next;
}

static void
check(const uint8_t *data, size_t size, char delimiter)
{
	struct buf all = {0}, piped = {0}, reread = {0}, again = {0}, unused = {0};
	struct err err = {""}, pipe_err = {""};
	enum next next = read_file(data, size, delimiter, &all, &again, &err);
	must(read_file(again.data, again.len, delimiter, &reread, &unused, &pipe_err) == NEXT_END);
	must(same(&all, &reread) && same(&again, &unused));
	if (size <= 32768) { /* a pipe takes it at once */
		must(read_pipe(data, size, delimiter, &piped, &pipe_err) == next);
		must(same(&all, &piped));
		if (next == NEXT_ERROR)
			must(strcmp(strchr(err.text, ':'), strchr(pipe_err.text, ':')) == 0);
	}
	buf_clear(&all);
	buf_clear(&piped);
	buf_clear(&reread);
	buf_clear(&again);
	buf_clear(&unused);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check(data, size, ',');
	check(data, size, '\t');
	return 0;
}

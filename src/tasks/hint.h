/* What may have been meant by a placeholder that no column has. */
#ifndef TASKS_HINT_H
#define TASKS_HINT_H

#include <stddef.h>

struct buf;
struct rows;
struct rows_options;

/* Appends "; or OPTIONS, as ..." where ROWS, opened with OPTIONS, look as if these made the
 * placeholder NAME, of LEN bytes, known; else nothing. Takes the first row: ROWS are only good for
 * rows_free() then. */
void hint_placeholder(struct buf *buf, struct rows *rows, const struct rows_options *options,
	const char *name, size_t len);

#endif

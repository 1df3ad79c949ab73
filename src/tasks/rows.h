/*
 * Rows from arguments, files, tables, sweeps and job arrays. Inputs make the product of their rows,
 * the rightmost fastest; a linked one goes along with the input before it, row by row, and ends
 * with the shorter of them, as GNU parallel's do. Everything is lazy: the leftmost input is read as
 * rows are asked for, and may be a pipe; files further right are read whole at the start; sweeps
 * and arrays are computed.
 */
#ifndef TASKS_ROWS_H
#define TASKS_ROWS_H

#include "tasks/row.h"
#include "tasks/rows_options.h"

struct buf;
struct err;
struct rows;

/* NULL with ERR, which names file, line and column, or the option and the place in it. */
struct rows *rows_open(const struct rows_options *options, struct err *err);
void rows_free(struct rows *rows);

const struct columns *rows_columns(const struct rows *rows);

/* NEXT_AGAIN: the filter has turned down many in a row. */
enum next rows_next(struct rows *rows, struct row *row, struct err *err);
int rows_rewind(struct rows *rows, struct err *err);

int rows_fd(const struct rows *rows); /* to poll after NEXT_WAIT; -1: never waits */

/* How many rows there are in all, where that is known without reading more: products of arguments,
 * sweeps, arrays and small files without a filter, or all once NEXT_END was returned. 0: unknown.
 */
uint64_t rows_count(const struct rows *rows);

/* Once NEXT_END has come and not one row before it: appends why. */
void rows_tell_why_none(const struct rows *rows, struct buf *buf);

/* About how many are still to come. */
uint64_t rows_remaining(const struct rows *rows);

#endif

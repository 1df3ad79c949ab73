/*
 * Records of a file, or of a pipe as they arrive: comma- or tab-separated fields quoted as in RFC
 * 4180 (libcsv reads them), or whole lines. All records of a table have as many fields as the first
 * one, and empty lines are none; a line that is a record by itself may be empty, and loses a CR at
 * its end. Nothing blocks.
 */
#ifndef TASKS_TABLE_H
#define TASKS_TABLE_H

#include "tasks/row.h"

#include <stdbool.h>

struct err;
struct table;

#define TABLE_LINES '\0' /* as delimiter: a record is a line */

/* DELIMITER stands between fields, or is TABLE_LINES; PATH and SPOOL_DIR are as for lines_open().
 * NULL with ERR.
 */
struct table *table_open(const char *path, char delimiter, const char *spool_dir, struct err *err);
void table_free(struct table *table);

/* The next record, borrowed until the next call; its LINE is where it begins. ERR names file, line
 * and column: a quote out of place, too few fields, too many. No more may be asked after an error.
 */
enum next table_next(struct table *table, struct row *record, struct err *err);
int table_rewind(struct table *table, struct err *err);

/* Is it a regular file of at most LINES_AHEAD_BYTES? Only before the first record. */
int table_is_small(struct table *table, bool *small, struct err *err);

int table_fd(const struct table *table); /* to poll after NEXT_WAIT; -1: never waits */
const char *table_name(const struct table *table);
uint64_t table_remaining(const struct table *table); /* about, as lines_remaining() */

#endif

/*
 * What `mpbatch report` prints, gathered in one pass over the records: counts, the tops, the hosts,
 * the spread of run times, groups of failures. Bounded by the number of hosts.
 */
#ifndef CLI_TABLES_H
#define CLI_TABLES_H

#include <stddef.h>

struct buf;
struct reader_record;
struct tables;

struct tables *tables_new(void);
void tables_free(struct tables *tables);
void tables_add(struct tables *tables, const struct reader_record *record);

/* Appends them, of a run of so many sessions. */
void tables_print(struct tables *tables, struct buf *buf, size_t sessions);

#endif

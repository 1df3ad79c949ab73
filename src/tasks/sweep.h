/*
 * The values of one parameter, "NAME=VALUES": a list (0.1,0.2,big), a range of whole or decimal
 * numbers (1..100, 1..1000..10 with a step, 10..1 downwards), lin(FROM,TO,COUNT) and
 * log(FROM,TO,COUNT) with both ends, or a list of these (1..5,10,20..30). Computed, never stored.
 *
 * NAME begins with a letter or '_' and goes on with these, digits, '.' and '-'. What begins as a
 * range of any numbers, lin( or log( must be one; all else is text as it is, in which a backslash
 * takes away the meaning of the character after it, above all that of a comma. As in bash a range
 * is padded with zeros if one of its ends is (01..10).
 */
#ifndef TASKS_SWEEP_H
#define TASKS_SWEEP_H

#include "tasks/row.h"

struct err;
struct sweep;

#define SWEEP_VALUE_MAX 32 /* bytes that a computed value needs */

/* NULL with ERR, which shows the text and names the column in it and what was expected. */
struct sweep *sweep_parse(const char *text, struct err *err);
void sweep_free(struct sweep *sweep);

const char *sweep_name(const struct sweep *sweep);
uint64_t sweep_count(const struct sweep *sweep);

/* Value I from 0. A computed one is written into ROOM; the shortest decimal that reads back as the
 * same double (0.3, not 0.30000000000000004); ranges are exact in decimals (0..1..0.1 has 0.3). */
struct value sweep_value(const struct sweep *sweep, uint64_t i, char room[SWEEP_VALUE_MAX]);

#endif

/*
 * The filter of --where: an expression over a row's columns. Names and {names} are columns, or {2}
 * by number; numbers; strings in quotes; + - * / %, comparisons == != < <= > >=, && || ! and
 * parentheses, with C's precedences; - before an operand too. A value is a number if all of it is a
 * decimal number, but for blanks around it; what is in quotes never is. A comparison is numeric if
 * both sides are numbers, else of bytes; an empty value and a number are unequal, and neither is
 * less. Conditions are true if not 0. No other functions, no
 * assignment.
 */
#ifndef TASKS_WHERE_H
#define TASKS_WHERE_H

#include "tasks/row.h"

#include <stdbool.h>

struct err;
struct where;

/* NULL with ERR, which names the column in TEXT and what was expected, or lists the known names. */
struct where *where_parse(const char *text, const struct columns *columns, struct err *err);
void where_free(struct where *where);

/* Does ROW meet it? 0 with *HOLDS, or -1 with ERR: arithmetic on what is no number, division by 0.
 */
int where_holds(const struct where *where, const struct row *row, bool *holds, struct err *err);

#endif

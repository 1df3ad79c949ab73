/*
 * Rows of values: what one task of a template is made from. A row's values belong to whoever gave
 * it, until the next is asked for.
 */
#ifndef TASKS_ROW_H
#define TASKS_ROW_H

#include <stddef.h>
#include <stdint.h>

/* What the readers and sources of this folder answer when asked for the next thing. */
enum next {
	NEXT_ONE,   /* here it is */
	NEXT_WAIT,  /* nothing now: wait until its descriptor is readable */
	NEXT_AGAIN, /* nothing yet, but there is no need to wait: ask again soon */
	NEXT_END,   /* no more, now and ever after */
	NEXT_ERROR, /* see ERR */
};

struct value {
	const char *text; /* no NUL in it, and none needed behind it */
	size_t len;
};

struct row {
	uint64_t line; /* 1-based, of the file its last values came from; 0: from none */
	size_t count;
	const struct value *values;
};

/* The columns of all rows of a source. */
struct columns {
	size_t count;
	const char *const *names; /* NULL for a column without a name */
};

#endif

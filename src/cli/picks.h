/*
 * Which attempt of each task is meant: the success if there is one, else the last. Of two tasks
 * that had the same index in different sessions (the list was changed) the later one is meant.
 */
#ifndef CLI_PICKS_H
#define CLI_PICKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct reader_record;

enum { PICKS_RECENT = 1024 };

struct pick {
	uint64_t index, id;
	uint64_t order; /* as they were read */
	uint64_t stored_at, stored_sum;
	uint64_t out_bytes, err_bytes;
	uint32_t name; /* of the file of the store: its number in picks->names */
	uint16_t attempt;
	char element[12]; /* of an array; "": none */
	int session;
	uint8_t reason; /* enum result_reason */
	bool stored;
};

struct picks_range {
	uint64_t from, to;
	uint64_t found;
};

/* Zero-initialised is empty and valid. */
struct picks {
	struct pick *list;
	size_t count, room;
	char **names;
	size_t nnames;
	uint32_t recent[PICKS_RECENT]; /* numbers of names by their hash */
	struct picks_range *ranges;    /* of indices that are wanted; none: all */
	size_t nranges;
	uint64_t attempt; /* only this one of each; 0: as above */
	uint64_t hidden;  /* tasks whose index another one has now */
};

void picks_clear(struct picks *picks);

/* Adds "17" or "3-7" to the ranges. -1 with ERR. */
int picks_want(struct picks *picks, const char *text, struct err *err);

/* Call once all ranges are there; then picks_add() for each record, in the order of the journals;
 * then picks_choose(), which leaves one of each task, in order of index, and counts what was
 * found in each range. */
void picks_begin(struct picks *picks);
void picks_add(struct picks *picks, const struct reader_record *record);
void picks_choose(struct picks *picks);

#endif

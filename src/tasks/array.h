/*
 * SLURM's job-array syntax: "1-1000", "0-15:4", "1,3,5-7", "1-100%10". As in SLURM the numbers are
 * a set: ascending, each once, whatever the order of the text. Kept as ranges, whatever their size;
 * only where ranges with steps overlap are they listed, and at most 4000001 (SLURM's largest
 * array).
 */
#ifndef TASKS_ARRAY_H
#define TASKS_ARRAY_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct array;

/* NULL with ERR, which shows the text and names the column in it and what was expected. */
struct array *array_parse(const char *text, struct err *err);
void array_free(struct array *array);

uint64_t array_count(const struct array *array);
uint64_t array_value(const struct array *array, uint64_t i); /* ascending, each once */
uint64_t array_min(const struct array *array);
uint64_t array_max(const struct array *array);
uint64_t array_step(const struct array *array);	 /* the first one given, 1 if there is none */
uint64_t array_limit(const struct array *array); /* tasks at a time ("%10"); 0: no limit */

#endif

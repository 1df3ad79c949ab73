/*
 * Patterns of sbatch's --output and --error, which make the names of an array's output files.
 */
#ifndef TASKS_PATTERN_H
#define TASKS_PATTERN_H

#include <stddef.h>

struct buf;

/* Patterns for the tasks of a run, not owned. */
struct pattern_files {
	const char *out, *err; /* NULL, both: none */
	const char *name;      /* of the job */
};

/* What a name is made from. */
struct pattern_element {
	const char *job;  /* number of the array's job: %A */
	const char *name; /* of the job: %x */
	const char *id;	  /* the element's number: %a; no NUL behind it */
	size_t id_len;
};

/* Why the elements of an array cannot have files of that pattern; NULL: they can. */
const char *pattern_misfit(const char *pattern);

/* Appends the name of an element's file. %j is the job's number, which all elements share here, and
 * behind it the element's where the pattern has no %a. */
void pattern_fill(struct buf *buf, const char *pattern, const struct pattern_element *element);

#endif

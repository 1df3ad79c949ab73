/* The name that was probably meant by one that is misspelt. */
#ifndef CLI_NEAREST_H
#define CLI_NEAREST_H

#include <stddef.h>

struct nearest {
	const char *word; /* as it was written, of LEN bytes */
	size_t len;
	size_t best;	   /* to be under */
	const char *found; /* NULL: no name tried is near */
};

/* Begins a search. WORD must outlive it. */
struct nearest nearest_to(const char *word, size_t len);

/* NAME becomes FOUND if it is nearer than those before. */
void nearest_try(struct nearest *nearest, const char *name);

#endif

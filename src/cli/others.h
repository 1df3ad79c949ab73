/* Options of GNU parallel, xargs, sbatch and srun that mpbatch does not have, and what does here
 * what they do there. */
#ifndef CLI_OTHERS_H
#define CLI_OTHERS_H

#include <stddef.h>

/* NAME, of LEN bytes, is a letter or a long name, without dashes. Returns what to use instead, as
 * the rest of a sentence about the option; NULL: no known tool has such an option. */
const char *others_advice(const char *name, size_t len);

#endif

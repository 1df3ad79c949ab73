/* The limit of open descriptors (ulimit -n): a rank needs one for each of its slots. */
#ifndef CLI_DESCRIPTORS_H
#define CLI_DESCRIPTORS_H

struct err;

/* Raises this process's soft limit, 1,024 on most systems, to its hard one. Not inherited by what
 * was forked before: tasks keep the limit that mpbatch was started with. */
void descriptors_raise(void);

/* Returns 0 if there are enough for SLOTS slots, or -1 with ERR, which names the limit and how many
 * slots it carries. */
int descriptors_check(int slots, struct err *err);

#endif

/* Names that survive: a file that was made, linked, renamed or removed has its name on disk for
 * sure only once its directory was synced; and what is written to a file that others have removed
 * or moved meanwhile is found by nobody. */
#ifndef RUN_DURABLE_H
#define RUN_DURABLE_H

/* Syncs the directory DIR. Returns 0, or -1 with errno; where a file system has no such sync there
 * is nothing better, and that is 0. */
int durable_names(const char *dir);

/* The same for the directory that holds PATH. */
int durable_name(const char *path);

/* What became of the regular file FD, opened as PATH, that is not found there any more: "was
 * removed", "was moved away" or "was replaced". NULL: it is there, or nobody can tell. */
const char *durable_gone(int fd, const char *path);

#endif

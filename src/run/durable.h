/* Names that survive a power failure: a file that was made, linked, renamed or removed has its name
 * on disk for sure only once its directory was synced. */
#ifndef RUN_DURABLE_H
#define RUN_DURABLE_H

/* Syncs the directory DIR. Returns 0, or -1 with errno; where a file system has no such sync there
 * is nothing better, and that is 0. */
int durable_names(const char *dir);

/* The same for the directory that holds PATH. */
int durable_name(const char *path);

#endif

/* Making the directories that a path needs, as with mkdir -p. */
#ifndef EXEC_DIRS_H
#define EXEC_DIRS_H

/* Makes the directory PATH and those above it. Returns 0 (also if it was there), or -1 with errno.
 */
int dirs_make(const char *path);

/* Makes the directory that the file PATH is to be in. */
int dirs_make_above(const char *path);

#endif

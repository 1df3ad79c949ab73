/* Opening files of a run directory. Others may have put something there: a symbolic link would lead
 * to any file that we may write, and a FIFO would hold us up. */
#ifndef RUN_WITHIN_H
#define RUN_WITHIN_H

/* open(2) with HOW and O_CLOEXEC, of the regular file that PATH itself names. Returns it, or -1
 * with errno: ELOOP for a symbolic link, EPERM for what is no file either. */
int within_open(const char *path, int how);

#endif

/*
 * Pipes and terminals that we share with whoever started us, so that O_NONBLOCK is not ours to set:
 * opened anew, they take what they can, and no reader who is slow or stopped (Ctrl-S) holds us up.
 */
#ifndef BASE_UNBLOCKED_H
#define BASE_UNBLOCKED_H

/* A new descriptor with O_NONBLOCK for writing to what FD is open on. FD itself where that is no
 * pipe or terminal, or cannot be opened anew (another user's). */
int unblocked_open(int fd);

/* Closes OWN, which was opened for FD. */
void unblocked_close(int own, int fd);

#endif

/*
 * Pipes of tasks that have ended, which strays that are kept may still write to. What comes is read
 * and dropped: unread, a stray would stop in the midst of a line, and with the pipe closed it would
 * die of SIGPIPE.
 */
#ifndef EXEC_LEFTOVER_H
#define EXEC_LEFTOVER_H

struct capture_pipes;

/* Zero-initialised is empty and valid. */
struct leftover {
	int epoll_fd; /* readable when there is something to do; 0: none yet */
	int count;
};

/* Takes over the reading ends. So that descriptors do not run out, those beyond a few hundred are
 * closed at once. */
void leftover_add(struct leftover *leftover, const struct capture_pipes *pipes);

/* Drops some of what is there, and closes pipes that nobody can write to any more. */
void leftover_read(struct leftover *leftover);

#endif

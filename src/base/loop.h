/*
 * The event loop: every wait of a process happens in loop_turn(). ppoll(2) over a dense array: its
 * timeout is in nanoseconds on every kernel, and 256 descriptors, an executor each, cost it a few
 * microseconds. A handler may add and remove descriptors, its own too.
 */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdint.h>

struct loop;

/* REVENTS as in poll(2), never 0. */
typedef void loop_handler(void *arg, int fd, short revents);

struct loop *loop_new(void);
void loop_free(struct loop *loop);

/* Calls HANDLER(ARG, FD, …) whenever one of EVENTS (poll(2)) is there. One entry per descriptor. */
void loop_add(struct loop *loop, int fd, short events, loop_handler *handler, void *arg);

/* Changes what it waits for; 0 leaves only errors and hang-ups. */
void loop_events(struct loop *loop, int fd, short events);
void loop_remove(struct loop *loop, int fd);

/* Waits up to TIMEOUT_NS (CLOCK_NEVER: without end) for the first event, calls all handlers that
 * have one, and returns how many there were; 0 on timeout or when a signal came. */
int loop_turn(struct loop *loop, int64_t timeout_ns);

/* One ppoll(2) with a timeout in nanoseconds, for processes with a fixed set of descriptors. */
struct pollfd;
int loop_poll(struct pollfd *fds, unsigned long count, int64_t timeout_ns);

#endif

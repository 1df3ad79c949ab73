/* One of our own output descriptors, which takes what it can without blocking us. */
#ifndef MASTER_OUTLET_H
#define MASTER_OUTLET_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct outlet {
	int fd;
	int own;       /* the same, without blocking */
	bool regular;  /* a file: takes everything */
	bool terminal; /* where other lines of ours may stand */
	bool in_line;  /* what was written ends within a line */
	bool blocked;
	struct buf buf;
	size_t rest; /* of the end of BUF, the beginning of a line, which is not written as yet */
	uint64_t taken; /* bytes ever put into BUF */
};

struct outlet outlet_init(int fd); /* not owned */
void outlet_put(struct outlet *outlet, const char *data, size_t len);

/* Writes what the descriptor takes; -1 with errno set if it failed for good. */
int outlet_write(struct outlet *outlet);

/* LEN bytes were appended to BUF. */
void outlet_appended(struct outlet *outlet, size_t len);

/* How many bytes are still to be written, and how many of those put are. Where standard output and
 * error take turns, the beginning of a line is as good as written: the launcher would keep it, too.
 */
size_t outlet_left(const struct outlet *outlet);
uint64_t outlet_written(const struct outlet *outlet);

/* Drops what was not written, but for the beginning of a line. */
void outlet_clear(struct outlet *outlet);

#endif

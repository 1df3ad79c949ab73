/* One of our own output descriptors, which takes what it can without blocking us. */
#ifndef MASTER_OUTLET_H
#define MASTER_OUTLET_H

#include "base/buf.h"

#include <stdbool.h>
#include <stdint.h>

struct outlet {
	int fd;
	bool regular;  /* a file: takes everything */
	bool terminal; /* where other lines of ours may stand */
	bool in_line;  /* what was written ends within a line */
	bool blocked;
	struct buf buf;
	uint64_t taken; /* bytes ever put into BUF */
};

struct outlet outlet_init(int fd); /* not owned */
void outlet_put(struct outlet *outlet, const char *data, size_t len);

/* Writes what the descriptor takes; -1 with errno set if it failed for good. */
int outlet_write(struct outlet *outlet);

/* How many of the bytes put are written. */
uint64_t outlet_written(const struct outlet *outlet);

#endif

/* What workers say. */
#ifndef MASTER_RECEIVE_H
#define MASTER_RECEIVE_H

#include <stdbool.h>
#include <stdint.h>

struct hello;
struct master;
struct message_head;
struct unpack;

/* A message from the endpoint PEER; IN is its payload. Dies if it is none that the master takes. */
void master_message(struct master *master, int peer, const struct message_head *head,
	struct unpack *in, int64_t now_ns);

/* Says what is special about the cores of a worker's host: too few, not ours, other runs'. Returns
 * false if nothing is. */
bool master_report_host(const struct hello *hello);

#endif

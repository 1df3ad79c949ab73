/* The in-memory transport: a queue per endpoint. */
#include "comm/inmem.h"

#include "base/clock.h"
#include "base/log.h"
#include "comm/transport.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct inmem_message {
	struct inmem_message *next;
	int peer;
	bool lost; /* PEER is gone; no data */
	size_t len;
	char data[];
};

struct inmem_end {
	struct transport transport;
	struct inmem *hub;
	struct inmem_message *first, *last;
	struct inmem_message *current; /* handed out, freed at the next call */
	bool dead;
};

struct inmem {
	int size;
	int open;
	struct inmem_end *ends;
};

static void
push(struct inmem_end *end, int peer, bool lost, const void *data, size_t len)
{
	struct inmem_message *message = xmalloc(sizeof(*message) + len);
	*message = (struct inmem_message){.peer = peer, .lost = lost, .len = len};
	if (len)
		memcpy(message->data, data, len);
	if (end->last)
		end->last->next = message;
	else
		end->first = message;
	end->last = message;
}

static void
inmem_send(struct transport *transport, int peer, const void *data, size_t len)
{
	const struct inmem_end *from = (const struct inmem_end *)transport;
	struct inmem_end *to = &from->hub->ends[peer];
	if (!from->dead && !to->dead)
		push(to, transport->self, false, data, len);
}

static enum transport_received
inmem_receive(struct transport *transport, int *peer, const void **data, size_t *len)
{
	struct inmem_end *end = (struct inmem_end *)transport;
	free(end->current);
	end->current = end->first;
	*data = NULL;
	*len = 0;
	if (!end->current)
		return TRANSPORT_NOTHING;
	end->first = end->current->next;
	if (!end->first)
		end->last = NULL;
	*peer = end->current->peer;
	if (end->current->lost)
		return TRANSPORT_LOST;
	*data = end->current->data;
	*len = end->current->len;
	return TRANSPORT_MESSAGE;
}

static int64_t
inmem_sleep_ns(struct transport *transport, int64_t cap_ns)
{
	(void)cap_ns;
	return ((struct inmem_end *)transport)->first ? 0 : CLOCK_NEVER;
}

static void
inmem_close(struct transport *transport, enum transport_end how)
{
	(void)how;
	struct inmem_end *end = (struct inmem_end *)transport;
	struct inmem *hub = end->hub;
	const void *data;
	size_t len;
	int peer;
	while (inmem_receive(transport, &peer, &data, &len) != TRANSPORT_NOTHING)
		;
	end->dead = true;
	if (--hub->open)
		return;
	free(hub->ends);
	free(hub);
}

struct inmem *
inmem_new(int size)
{
	static const struct transport_ops ops = {.send = inmem_send,
		.receive = inmem_receive,
		.sleep_ns = inmem_sleep_ns,
		.close = inmem_close};
	struct inmem *hub = xcalloc(1, sizeof(*hub));
	*hub = (struct inmem){.size = size, .open = size};
	hub->ends = xcalloc((unsigned long)size, sizeof(*hub->ends));
	for (int i = 0; i < size; i++)
		hub->ends[i] = (struct inmem_end){
			.transport = {.ops = &ops, .self = i, .size = size}, .hub = hub};
	return hub;
}

struct transport *
inmem_endpoint(struct inmem *hub, int number)
{
	return &hub->ends[number].transport;
}

void
inmem_kill(struct inmem *hub, int number)
{
	if (hub->ends[number].dead)
		return;
	hub->ends[number].dead = true;
	for (int i = 0; i < hub->size; i++)
		if (!hub->ends[i].dead)
			push(&hub->ends[i], number, true, NULL, 0);
}

/*
 * Transport: how the endpoints of a run, numbered 0 to size-1, send each other messages. Endpoint 0
 * is the master's process. Messages from one peer arrive whole and in the order they were sent; an
 * endpoint may send to itself. No call blocks. Single-threaded.
 *
 * A peer that is gone is reported once, as a message that the transport makes itself:
 * TRANSPORT_LOST with data NULL. Nothing from that peer follows it.
 */
#ifndef COMM_TRANSPORT_H
#define COMM_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

struct transport;

enum transport_received {
	TRANSPORT_NOTHING,
	TRANSPORT_MESSAGE,
	TRANSPORT_LOST, /* PEER is gone */
};

enum transport_end {
	TRANSPORT_DRAIN, /* everything sent is delivered first; every endpoint does this */
	TRANSPORT_LEAVE, /* some are gone or silent: no other endpoint is waited for */
	TRANSPORT_ABORT, /* the run failed: take all endpoints down */
};

struct transport_ops {
	void (*send)(struct transport *transport, int peer, const void *data, size_t len);
	enum transport_received (*receive)(
		struct transport *transport, int *peer, const void **data, size_t *len);
	int64_t (*sleep_ns)(struct transport *transport, int64_t cap_ns);
	void (*close)(struct transport *transport, enum transport_end how);
};

/* The head of every transport. */
struct transport {
	const struct transport_ops *ops;
	int self; /* this endpoint's number */
	int size; /* number of endpoints */
};

/* Sends a copy of LEN bytes (1 to 2^31-1) to PEER. To a peer that is gone: dropped. */
static inline void
transport_send(struct transport *transport, int peer, const void *data, size_t len)
{
	transport->ops->send(transport, peer, data, len);
}

/* The next message, if one is here. DATA is the transport's, valid until the next call on it. */
static inline enum transport_received
transport_receive(struct transport *transport, int *peer, const void **data, size_t *len)
{
	return transport->ops->receive(transport, peer, data, len);
}

/*
 * How long the loop may sleep before it must call transport_receive() again, in nanoseconds, after
 * a call that returned TRANSPORT_NOTHING: 0 if something is here, CLOCK_NEVER if a message can only
 * come by this process's own doing. Where the transport must be polled it grows from 0 to CAP_NS
 * with each fruitless call and starts again with each message; with a send under way, 100 us at
 * most.
 */
static inline int64_t
transport_sleep_ns(struct transport *transport, int64_t cap_ns)
{
	return transport->ops->sleep_ns(transport, cap_ns);
}

/* Ends it and frees it. With TRANSPORT_ABORT it may not return. */
static inline void
transport_close(struct transport *transport, enum transport_end how)
{
	transport->ops->close(transport, how);
}

#endif

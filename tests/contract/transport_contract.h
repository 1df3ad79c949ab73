/*
 * What every transport must do (comm/transport.h), as one body for all of them. It is a state
 * machine per endpoint, so one process can step many endpoints in turn, or each its own. Endpoints
 * move from clause to clause on their own; the first byte of a message says whose clause it is of.
 */
#ifndef CONTRACT_TRANSPORT_CONTRACT_H
#define CONTRACT_TRANSPORT_CONTRACT_H

#include <stdbool.h>
#include <stdint.h>

struct contract_end;
struct transport;

struct contract_options {
	bool polls; /* it must be polled: its sleep grows to the cap; else it is 0 or CLOCK_NEVER */
	void (*fail)(const char *text) __attribute__((noreturn));
};

enum { CONTRACT_SECONDS = 60 };

/* Bounds the whole contract: after CONTRACT_SECONDS the process says where it stood and exits with
 * 1. That ends calls that block, too. 0 seconds lifts it. */
void contract_watch(unsigned seconds);

/* OPTIONS must outlive it. */
struct contract_end *contract_begin(
	struct transport *transport, const struct contract_options *options);

/* True: step it again, after SLEEP_NS at most. False: all clauses hold for this endpoint, and it
 * and its transport are closed and freed. */
bool contract_step(struct contract_end *end, int64_t *sleep_ns);

#endif

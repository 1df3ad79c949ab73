/*
 * The in-memory transport: n endpoints in one process. With n = 1 it is local mode, with n = 10,000
 * the simulator's network. The hub owns the queues and lives until the last endpoint is closed.
 */
#ifndef COMM_INMEM_H
#define COMM_INMEM_H

struct inmem;
struct transport;

/* A hub of SIZE endpoints. */
struct inmem *inmem_new(int size);

/* The endpoint of that number, to be closed with transport_close() exactly once. */
struct transport *inmem_endpoint(struct inmem *hub, int number);

/* As if the process behind the endpoint had died: what it sent and nobody received is kept, every
 * other endpoint is told TRANSPORT_LOST after that. For tests. */
void inmem_kill(struct inmem *hub, int number);

#endif

/*
 * The transport's contract, kept by the MPI transport, after its start-up exchanges. To be run by
 * mpirun with any number of ranks of one host, and that number as argument: rank 0 prints "ok", or
 * a rank says what is wrong and exits with 1.
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "comm/mpi.h"
#include "comm/transport.h"
#include "transport_contract.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *text) __attribute__((noreturn));

static void
fail(const char *text)
{
	fprintf(stderr, "contract_mpi: %s\n", text);
	_Exit(1);
}

static void
check_broadcast(struct transport *transport, size_t len)
{
	struct buf bytes = {0};
	buf_append_string(&bytes, "what every rank has of its own");
	if (transport->self == 0) {
		buf_consume(&bytes, bytes.len);
		memset(buf_room(&bytes, len), 'b', len);
		buf_added(&bytes, len);
	}
	mpi_broadcast(transport, &bytes);
	if (bytes.len != len)
		fail("mpi_broadcast: not rank 0's length");
	for (size_t i = 0; i < len; i++)
		if (bytes.data[i] != 'b')
			fail("mpi_broadcast: not rank 0's bytes");
	buf_clear(&bytes);
}

static void
check_host_gather(struct transport *transport)
{
	int mine[3] = {transport->self, 7, -transport->self}, self = -1;
	struct buf all = {0};
	int ranks = mpi_host_gather(transport, mine, sizeof(mine), &all, &self);
	if (ranks != transport->size || self != transport->self ||
		all.len != (size_t)ranks * sizeof(mine))
		fail("mpi_host_gather: not every rank of this host");
	for (int i = 0; i < ranks; i++) {
		int wanted[3] = {i, 7, -i};
		if (memcmp(all.data + (size_t)i * sizeof(mine), wanted, sizeof(mine)) != 0)
			fail("mpi_host_gather: not in order of rank");
	}
	buf_clear(&all);
}

/* Under another MPI's mpirun we would be several worlds of one. */
static void
check_size(const struct transport *transport, const char *wanted)
{
	if (transport->size != atoi(wanted))
		fail("not as many ranks as the argument says: another MPI's mpirun?");
}

int
main(int argc, char **argv)
{
	static const struct contract_options options = {.polls = true, .fail = fail};
	struct err err;
	char library[64];
	contract_watch(CONTRACT_SECONDS);
	snprintf(library, sizeof(library), "%s", mpi_library());
	struct transport *transport = mpi_open(&err);
	if (!transport)
		fail(err.text);
	if (argc > 1)
		check_size(transport, argv[1]);
	if (!getenv("RDMAV_FORK_SAFE") || !getenv("CXI_FORK_SAFE") || !getenv("FI_EFA_FORK_SAFE"))
		fail("mpi_open: the fork-safety variables are not set");
	bool first = transport->self == 0;
	int size = transport->size;
	check_broadcast(transport, 0);
	check_broadcast(transport, 1000000);
	check_host_gather(transport);
	struct contract_end *end = contract_begin(transport, &options);
	for (int64_t sleep_ns; contract_step(end, &sleep_ns);)
		loop_poll(NULL, 0, sleep_ns);
	if (first)
		printf("ok: %d ranks, %s\n", size, library);
	return 0;
}

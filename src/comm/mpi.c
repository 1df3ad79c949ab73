/*
 * The MPI transport. Nothing of it blocks or spins: MPI_Iprobe and MPI_Test, and the loop sleeps in
 * between. (Blocking calls of MPI spin at 100 % of a core.)
 */
#include "comm/mpi.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "comm/transport.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Calls without a message before it sleeps at all; the first sleep; the longest with a request
 * incomplete (with longer ones 64 KB took 71 ms: measured). */
enum { TAG = 1, EAGER_CALLS = 3, FIRST_SLEEP_NS = 50000, PENDING_SLEEP_NS = 100000 };
/* Buffers kept for reuse, and how large they may be. */
enum { POOL_MAX = 64, POOL_BYTES = 256 * 1024 };

struct sending {
	char *data;
	size_t room;
};

struct mpi {
	struct transport transport;
	/* Sends under way: parallel, dense arrays, as MPI_Testsome wants them. */
	MPI_Request *requests;
	struct sending *sendings;
	int *done;
	MPI_Status *statuses;
	int nsends, send_room;
	struct sending pool[POOL_MAX];
	int npool;
	/* The message being received, or handed out. */
	MPI_Request receiving; /* MPI_REQUEST_NULL: none */
	int source;
	char *in;
	size_t in_len, in_room;
	int64_t fruitless; /* calls without a message since the last one */
};

const bool mpi_built = true;

static void
check(int code, const char *what)
{
	if (code == MPI_SUCCESS)
		return;
	char text[MPI_MAX_ERROR_STRING] = "";
	int len;
	MPI_Error_string(code, text, &len);
	die(4, "%s: %s", what, text);
}

const char *
mpi_library(void)
{
	static char name[64];
	char text[MPI_MAX_LIBRARY_VERSION_STRING], word[32];
	int len;
	if (name[0])
		return name;
	MPI_Get_library_version(text, &len);
	if (sscanf(text, "MPICH Version: %31s", word) == 1)
		snprintf(name, sizeof(name), "MPICH %s", word);
	else
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, ",\n"), text);
	return name;
}

/* --- sending --- */

static void
recycle(struct mpi *mpi, struct sending sending)
{
	if (mpi->npool < POOL_MAX && sending.room <= POOL_BYTES)
		mpi->pool[mpi->npool++] = sending;
	else
		free(sending.data);
}

static struct sending
take_buffer(struct mpi *mpi, size_t len)
{
	if (mpi->npool && mpi->pool[mpi->npool - 1].room >= len)
		return mpi->pool[--mpi->npool];
	size_t room = len < 4096 ? 4096 : len;
	return (struct sending){.data = xmalloc(room), .room = room};
}

static void
reclaim(struct mpi *mpi)
{
	int count;
	if (!mpi->nsends)
		return;
	check(MPI_Testsome(mpi->nsends, mpi->requests, &count, mpi->done, mpi->statuses),
		"MPI_Testsome");
	if (count == 0 || count == MPI_UNDEFINED)
		return;
	int kept = 0;
	for (int i = 0; i < mpi->nsends; i++) {
		if (mpi->requests[i] == MPI_REQUEST_NULL) {
			recycle(mpi, mpi->sendings[i]);
			continue;
		}
		mpi->requests[kept] = mpi->requests[i];
		mpi->sendings[kept++] = mpi->sendings[i];
	}
	mpi->nsends = kept;
}

static void
mpi_send(struct transport *transport, int peer, const void *data, size_t len)
{
	struct mpi *mpi = (struct mpi *)transport;
	if (mpi->nsends == mpi->send_room) {
		mpi->send_room = mpi->send_room ? 2 * mpi->send_room : 64;
		size_t room = (size_t)mpi->send_room;
		mpi->requests = xrealloc(mpi->requests, room * sizeof(*mpi->requests));
		mpi->sendings = xrealloc(mpi->sendings, room * sizeof(*mpi->sendings));
		mpi->done = xrealloc(mpi->done, room * sizeof(*mpi->done));
		mpi->statuses = xrealloc(mpi->statuses, room * sizeof(*mpi->statuses));
	}
	struct sending sending = take_buffer(mpi, len);
	memcpy(sending.data, data, len);
	mpi->sendings[mpi->nsends] = sending;
	check(MPI_Isend(sending.data, (int)len, MPI_BYTE, peer, TAG, MPI_COMM_WORLD,
		      &mpi->requests[mpi->nsends++]),
		"MPI_Isend");
}

/* --- receiving --- */

/* Starts to receive the next message that is announced; false if none is. */
static bool
begin_receive(struct mpi *mpi)
{
	int here, len;
	MPI_Status status;
	check(MPI_Iprobe(MPI_ANY_SOURCE, TAG, MPI_COMM_WORLD, &here, &status), "MPI_Iprobe");
	if (!here)
		return false;
	check(MPI_Get_count(&status, MPI_BYTE, &len), "MPI_Get_count");
	mpi->source = status.MPI_SOURCE;
	mpi->in_len = (size_t)len;
	if (mpi->in_room < mpi->in_len || mpi->in_room > 16 * mpi->in_len + POOL_BYTES) {
		free(mpi->in);
		mpi->in_room = mpi->in_len + 4096;
		mpi->in = xmalloc(mpi->in_room);
	}
	check(MPI_Irecv(mpi->in, len, MPI_BYTE, mpi->source, TAG, MPI_COMM_WORLD, &mpi->receiving),
		"MPI_Irecv");
	return true;
}

static enum transport_received
mpi_receive(struct transport *transport, int *peer, const void **data, size_t *len)
{
	struct mpi *mpi = (struct mpi *)transport;
	*data = NULL;
	*len = 0;
	reclaim(mpi);
	int complete = 0;
	if (mpi->receiving != MPI_REQUEST_NULL || begin_receive(mpi))
		check(MPI_Test(&mpi->receiving, &complete, MPI_STATUS_IGNORE), "MPI_Test");
	if (!complete) {
		mpi->fruitless++;
		return TRANSPORT_NOTHING;
	}
	mpi->fruitless = 0;
	*peer = mpi->source;
	*data = mpi->in;
	*len = mpi->in_len;
	return TRANSPORT_MESSAGE;
}

static int64_t
mpi_sleep_ns(struct transport *transport, int64_t cap_ns)
{
	const struct mpi *mpi = (const struct mpi *)transport;
	if (mpi->fruitless <= EAGER_CALLS)
		return 0;
	int64_t doublings = mpi->fruitless - EAGER_CALLS - 1;
	int64_t sleep = doublings < 20 ? (int64_t)FIRST_SLEEP_NS << doublings : cap_ns;
	bool pending = mpi->nsends || mpi->receiving != MPI_REQUEST_NULL;
	if (pending && sleep > PENDING_SLEEP_NS)
		sleep = PENDING_SLEEP_NS;
	return sleep < cap_ns ? sleep : cap_ns;
}

/* --- start and end --- */

static void
mpi_close(struct transport *transport, enum transport_end how)
{
	struct mpi *mpi = (struct mpi *)transport;
	if (how == TRANSPORT_ABORT) {
		MPI_Abort(MPI_COMM_WORLD, 4);
		return;
	}
	/* MPI_Finalize waits for sends too, but spins. */
	while (reclaim(mpi), mpi->nsends)
		nanosleep(&(struct timespec){.tv_nsec = PENDING_SLEEP_NS}, NULL);
	MPI_Finalize();
	while (mpi->npool)
		free(mpi->pool[--mpi->npool].data);
	free(mpi->requests);
	free(mpi->sendings);
	free(mpi->done);
	free(mpi->statuses);
	free(mpi->in);
	free(mpi);
}

struct transport *
mpi_open(struct err *err)
{
	static const struct transport_ops ops = {.send = mpi_send,
		.receive = mpi_receive,
		.sleep_ns = mpi_sleep_ns,
		.close = mpi_close};
	/* We fork nothing from here on, but libraries may: these make RDMA memory survive that. */
	setenv("RDMAV_FORK_SAFE", "1", 0);
	setenv("CXI_FORK_SAFE", "1", 0);
	setenv("FI_EFA_FORK_SAFE", "1", 0);
	int provided, code = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
	if (code != MPI_SUCCESS) {
		err_set(err, "MPI_Init failed with code %d", code);
		return NULL;
	}
	MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
	struct mpi *mpi = xcalloc(1, sizeof(*mpi));
	mpi->transport.ops = &ops;
	mpi->receiving = MPI_REQUEST_NULL;
	MPI_Comm_rank(MPI_COMM_WORLD, &mpi->transport.self);
	MPI_Comm_size(MPI_COMM_WORLD, &mpi->transport.size);
	return &mpi->transport;
}

void
mpi_broadcast(struct transport *transport, struct buf *bytes)
{
	unsigned long len = bytes->len;
	check(MPI_Bcast(&len, 1, MPI_UNSIGNED_LONG, 0, MPI_COMM_WORLD), "MPI_Bcast");
	if (transport->self != 0) {
		buf_consume(bytes, bytes->len);
		buf_room(bytes, len);
		buf_added(bytes, len);
	}
	check(MPI_Bcast(bytes->data, (int)len, MPI_BYTE, 0, MPI_COMM_WORLD), "MPI_Bcast");
}

int
mpi_host_gather(struct transport *transport, const void *mine, size_t len, struct buf *all, int *self)
{
	MPI_Comm host;
	int ranks;
	check(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, transport->self,
		      MPI_INFO_NULL, &host),
		"MPI_Comm_split_type");
	MPI_Comm_size(host, &ranks);
	MPI_Comm_rank(host, self);
	size_t total = len * (size_t)ranks;
	check(MPI_Allgather(mine, (int)len, MPI_BYTE, buf_room(all, total), (int)len, MPI_BYTE, host),
		"MPI_Allgather");
	buf_added(all, total);
	MPI_Comm_free(&host);
	return ranks;
}

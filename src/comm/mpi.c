/*
 * The MPI transport. Nothing of it blocks or spins: MPI_Iprobe and MPI_Test, and the loop sleeps in
 * between. (Blocking calls of MPI spin at 100 % of a core, MPI_Finalize too.) Several receives are
 * under way at a time, or a peer that stops in the middle of a large message would stop us all.
 *
 * A rank that dies takes the whole job down, unless the MPI has user-level failure mitigation and
 * was told to use it (Open MPI 5: mpirun --with-ft ulfm). Then MPI_Iprobe never tells, but
 * MPIX_Comm_get_failed does within a second, and what is sent there completes (measured, 5.0.7).
 * Collective calls fail from then on, and MPI_Finalize is one: it is left out.
 */
#include "comm/mpi.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "comm/transport.h"

#include <mpi.h>
#ifdef HAVE_ULFM
#include <mpi-ext.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Calls without a message before it sleeps at all; the first sleep; the longest with a request
 * incomplete (with longer ones 64 KB took 71 ms: measured). */
enum { TAG = 1, FIRST_SLEEP_NS = 50000, PENDING_SLEEP_NS = 100000 };
/* Sends up to this long are with their peer at once: their requests wait only for it to say so.
 * (Each MPI has such a limit; the smallest that is usual, Open MPI's in shared memory, is 4 KiB.)
 */
enum { EAGER_BYTES = 2048 };
/* Buffers kept for reuse, and how large they may be. */
enum { POOL_MAX = 64, POOL_BYTES = 256 * 1024 };
/* Sends asked for at a time, as MPI_Testsome looks at each; receives under way. */
enum { WINDOW = 64, RECEIVES_MAX = 16 };
/* The longest sleep at the end, when nobody is in a hurry, and while a list is waited for. */
enum { END_SLEEP_NS = 1000000, LATE_SLEEP_NS = 50000000 };
/* How often to look for ranks that died, and how long rank 0 waits for the others to leave first.
 */
#define LOOK_NS (250 * CLOCK_NS_PER_MS)
#define LEFT_NS (2 * CLOCK_NS_PER_S)

struct block {
	char *data;
	size_t room;
	bool eager;
};

struct receiving {
	MPI_Request request;
	struct block block;
	int source;
	int len;
};

struct mpi {
	struct transport transport;
	/* Sends under way: parallel, dense arrays, as MPI_Testsome wants them. */
	MPI_Request *requests;
	struct block *blocks;
	int nsends, send_room;
	int nslow; /* of these, the ones that are not eager: their peer has yet to ask for them */
	int asked; /* sends before this one have been asked for in this round */
	/* In the order they were announced. */
	struct receiving receivings[RECEIVES_MAX];
	int nreceivings;
	struct block handed_out;
	struct block pool[POOL_MAX];
	int npool;
	int64_t fruitless; /* calls without a message since the last one */
	bool *lost;	   /* by rank: it died, and that was reported */
	int nlost;
	int64_t look_ns; /* when to look for more */
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

/* The same for calls that fail when a peer has died; true if they did not. */
static bool
check_peer(int code, const char *what)
{
#ifdef HAVE_ULFM
	int class = MPI_SUCCESS;
	MPI_Error_class(code, &class);
	if (class == MPIX_ERR_PROC_FAILED || class == MPIX_ERR_PROC_FAILED_PENDING ||
		class == MPI_ERR_IN_STATUS)
		return false;
#endif
	check(code, what);
	return true;
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

/* --- buffers --- */

static void
recycle(struct mpi *mpi, struct block block)
{
	if (mpi->npool < POOL_MAX && block.room <= POOL_BYTES)
		mpi->pool[mpi->npool++] = block;
	else
		free(block.data);
}

static struct block
take_block(struct mpi *mpi, size_t len)
{
	if (mpi->npool && mpi->pool[mpi->npool - 1].room >= len)
		return mpi->pool[--mpi->npool];
	size_t room = len < 4096 ? 4096 : len;
	return (struct block){.data = xmalloc(room), .room = room};
}

/* --- sending --- */

/* Takes back the buffers of those of the next WINDOW sends that are complete; false if none is. */
static bool
reclaim_some(struct mpi *mpi)
{
	int count, done[WINDOW];
	MPI_Status statuses[WINDOW];
	int first = mpi->asked < mpi->nsends ? mpi->asked : 0;
	int end = mpi->nsends - first < WINDOW ? mpi->nsends : first + WINDOW;
	if (first == end)
		return false;
	check_peer(MPI_Testsome(end - first, mpi->requests + first, &count, done, statuses),
		"MPI_Testsome");
	for (int i = end - 1; i >= first; i--) {
		if (mpi->requests[i] != MPI_REQUEST_NULL)
			continue;
		recycle(mpi, mpi->blocks[i]);
		mpi->nslow -= !mpi->blocks[i].eager;
		mpi->nsends--;
		mpi->requests[i] = mpi->requests[mpi->nsends];
		mpi->blocks[i] = mpi->blocks[mpi->nsends];
	}
	mpi->asked = end;
	return count > 0;
}

/* So it costs little however many are under way, unless there is something to take. */
static void
reclaim(struct mpi *mpi)
{
	while (reclaim_some(mpi))
		;
}

static void
mpi_send(struct transport *transport, int peer, const void *data, size_t len)
{
	struct mpi *mpi = (struct mpi *)transport;
	if (mpi->lost[peer])
		return;
	if (mpi->nsends == mpi->send_room) {
		mpi->send_room = mpi->send_room ? 2 * mpi->send_room : WINDOW;
		size_t room = (size_t)mpi->send_room;
		mpi->requests = xrealloc(mpi->requests, room * sizeof(*mpi->requests));
		mpi->blocks = xrealloc(mpi->blocks, room * sizeof(*mpi->blocks));
	}
	struct block block = take_block(mpi, len);
	memcpy(block.data, data, len);
	if (!check_peer(MPI_Isend(block.data, (int)len, MPI_BYTE, peer, TAG, MPI_COMM_WORLD,
				&mpi->requests[mpi->nsends]),
		    "MPI_Isend")) {
		recycle(mpi, block);
		return;
	}
	block.eager = len <= EAGER_BYTES;
	mpi->nslow += !block.eager;
	mpi->blocks[mpi->nsends++] = block;
	if (peer == transport->self)
		mpi->fruitless = 0; /* a message is here */
}

/* --- receiving --- */

/* Asks twice: Open MPI and MPICH look first and then fetch what has arrived, so the first answer
 * after a sleep is no. (A ping-pong took 73 ms one way with a cap of 50, and 0.4 with this.) */
static bool
is_announced(MPI_Status *status)
{
	int here = 0;
	for (int i = 0; i < 2 && !here; i++)
		if (!check_peer(MPI_Iprobe(MPI_ANY_SOURCE, TAG, MPI_COMM_WORLD, &here, status),
			    "MPI_Iprobe"))
			here = 0;
	return here;
}

/* Starts to receive the next message that is announced; false if none is. */
static bool
begin_receive(struct mpi *mpi)
{
	MPI_Status status;
	if (mpi->nreceivings == RECEIVES_MAX)
		return false;
	if (!is_announced(&status))
		return false;
	struct receiving *in = &mpi->receivings[mpi->nreceivings++];
	in->source = status.MPI_SOURCE;
	check(MPI_Get_count(&status, MPI_BYTE, &in->len), "MPI_Get_count");
	in->block = take_block(mpi, (size_t)in->len);
	if (check_peer(MPI_Irecv(in->block.data, in->len, MPI_BYTE, in->source, TAG, MPI_COMM_WORLD,
			       &in->request),
		    "MPI_Irecv"))
		return true;
	recycle(mpi, in->block);
	mpi->nreceivings--;
	return false;
}

/* A later message of a peer can be complete before an earlier one. */
static bool
must_wait(const struct mpi *mpi, int at)
{
	for (int i = 0; i < at; i++)
		if (mpi->receivings[i].source == mpi->receivings[at].source)
			return true;
	return false;
}

/* The first receive from FROM on that can be handed out, or -1. */
static int
find_complete(struct mpi *mpi, int from)
{
	for (int i = from; i < mpi->nreceivings; i++) {
		int complete = 0;
		if (!must_wait(mpi, i) && !check_peer(MPI_Test(&mpi->receivings[i].request,
							      &complete, MPI_STATUS_IGNORE),
						  "MPI_Test"))
			complete = 0;
		if (complete)
			return i;
	}
	return -1;
}

/* --- losses --- */

/* Nothing more comes of what that rank had begun to send; the MPI may still write there. */
static void
forget_receives(struct mpi *mpi, int peer)
{
	int kept = 0;
	for (int i = 0; i < mpi->nreceivings; i++)
		if (mpi->receivings[i].source != peer)
			mpi->receivings[kept++] = mpi->receivings[i];
	mpi->nreceivings = kept;
}

/* The next rank that has died and was not reported, -1: none. */
static int
find_lost(struct mpi *mpi)
{
	int found = -1;
#ifdef HAVE_ULFM
	MPI_Group failed, world;
	int count = 0;
	check(MPIX_Comm_get_failed(MPI_COMM_WORLD, &failed), "MPIX_Comm_get_failed");
	MPI_Group_size(failed, &count);
	if (count > mpi->nlost)
		MPI_Comm_group(MPI_COMM_WORLD, &world);
	for (int i = 0; i < count && count > mpi->nlost && found < 0; i++) {
		int rank;
		MPI_Group_translate_ranks(failed, 1, &i, world, &rank);
		if (!mpi->lost[rank])
			found = rank;
	}
	if (count > mpi->nlost)
		MPI_Group_free(&world);
	MPI_Group_free(&failed);
	if (found >= 0) {
		mpi->lost[found] = true;
		mpi->nlost++;
		forget_receives(mpi, found);
	}
#else
	(void)mpi;
	(void)forget_receives;
#endif
	return found;
}

/* Now and then, and only when nothing else is here: what it had sent comes first. */
static int
look_for_lost(struct mpi *mpi)
{
	int64_t now = clock_now_ns();
	int found = now >= mpi->look_ns ? find_lost(mpi) : -1;
	if (found < 0 && now >= mpi->look_ns)
		mpi->look_ns = now + LOOK_NS;
	return found;
}

static enum transport_received
mpi_receive(struct transport *transport, int *peer, const void **data, size_t *len)
{
	struct mpi *mpi = (struct mpi *)transport;
	*data = NULL;
	*len = 0;
	if (mpi->handed_out.data)
		recycle(mpi, mpi->handed_out);
	mpi->handed_out.data = NULL;
	reclaim(mpi);
	int at = find_complete(mpi, 0);
	while (at < 0 && begin_receive(mpi))
		at = find_complete(mpi, mpi->nreceivings - 1);
	if (at < 0) {
		mpi->fruitless++;
		*peer = look_for_lost(mpi);
		return *peer < 0 ? TRANSPORT_NOTHING : TRANSPORT_LOST;
	}
	struct receiving in = mpi->receivings[at];
	mpi->nreceivings--;
	memmove(&mpi->receivings[at], &mpi->receivings[at + 1],
		(size_t)(mpi->nreceivings - at) * sizeof(in));
	mpi->handed_out = in.block;
	mpi->fruitless = 0;
	*peer = in.source;
	*data = in.block.data;
	*len = (size_t)in.len;
	return TRANSPORT_MESSAGE;
}

static int64_t
mpi_sleep_ns(struct transport *transport, int64_t cap_ns)
{
	const struct mpi *mpi = (const struct mpi *)transport;
	if (mpi->fruitless <= 1)
		return 0;
	/* An eighth of the cap, four times as long at each step: what is in no hurry is polled
	 * little. */
	int64_t first = cap_ns / 8 > FIRST_SLEEP_NS ? cap_ns / 8 : FIRST_SLEEP_NS;
	int64_t sleep = mpi->fruitless < 8 ? first << (2 * (mpi->fruitless - 2)) : cap_ns;
	bool pending = mpi->nslow || mpi->nreceivings;
	if (pending && sleep > PENDING_SLEEP_NS)
		sleep = PENDING_SLEEP_NS;
	return sleep < cap_ns ? sleep : cap_ns;
}

/* --- start and end --- */

/* Sleeps, and returns how long to sleep the next time. */
static int64_t
nap(int64_t ns)
{
	nanosleep(&(struct timespec){.tv_nsec = ns}, NULL);
	return 2 * ns < END_SLEEP_NS ? 2 * ns : END_SLEEP_NS;
}

/* All ranks are here, and all that was sent has arrived; false if one has died. */
static bool
meet(struct mpi *mpi)
{
	MPI_Request barrier;
	int passed = 0;
	int64_t sleep = FIRST_SLEEP_NS;
	for (reclaim(mpi); mpi->nsends && !mpi->nlost; reclaim(mpi)) {
		sleep = nap(sleep);
		look_for_lost(mpi);
	}
	if (mpi->nlost || !check_peer(MPI_Ibarrier(MPI_COMM_WORLD, &barrier), "MPI_Ibarrier"))
		return false;
	while (!passed) {
		if (!check_peer(MPI_Test(&barrier, &passed, MPI_STATUS_IGNORE), "MPI_Test"))
			return false;
		sleep = nap(sleep);
		if (!passed && look_for_lost(mpi) >= 0)
			return false;
	}
	return true;
}

/* mpirun ends the others once rank 0 has left with another code than 0. */
static void
let_others_leave(struct mpi *mpi)
{
	int64_t end = clock_now_ns() + LEFT_NS;
	int64_t sleep = FIRST_SLEEP_NS;
	while (mpi->nlost < mpi->transport.size - 1 && clock_now_ns() < end) {
		sleep = nap(sleep);
		look_for_lost(mpi);
	}
}

static void
mpi_close(struct transport *transport, enum transport_end how)
{
	struct mpi *mpi = (struct mpi *)transport;
	if (how == TRANSPORT_ABORT) {
		MPI_Abort(MPI_COMM_WORLD, 4);
		return;
	}
	if (how == TRANSPORT_DRAIN && meet(mpi))
		MPI_Finalize();
	else if (mpi->transport.self == 0)
		let_others_leave(mpi);
	free(mpi->lost);
	while (mpi->npool)
		free(mpi->pool[--mpi->npool].data);
	free(mpi->requests);
	free(mpi->blocks);
	free(mpi->handed_out.data);
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
	MPI_Comm_rank(MPI_COMM_WORLD, &mpi->transport.self);
	MPI_Comm_size(MPI_COMM_WORLD, &mpi->transport.size);
	mpi->lost = xcalloc((unsigned long)mpi->transport.size, sizeof(*mpi->lost));
	return &mpi->transport;
}

/* Rank 0 may wait long for a list or a lock: the others sleep meanwhile, a fortieth of the time
 * that has passed. */
static void
broadcast(void *data, unsigned long len)
{
	MPI_Request request;
	int done = 0;
	check(MPI_Ibcast(data, (int)len, MPI_BYTE, 0, MPI_COMM_WORLD, &request), "MPI_Ibcast");
	for (int64_t began = clock_now_ns();;) {
		check(MPI_Test(&request, &done, MPI_STATUS_IGNORE), "MPI_Test");
		if (done)
			return;
		int64_t sleep = (clock_now_ns() - began) / 40;
		nap(sleep < FIRST_SLEEP_NS	? FIRST_SLEEP_NS
			: sleep > LATE_SLEEP_NS ? LATE_SLEEP_NS
						: sleep);
	}
}

void
mpi_broadcast(struct transport *transport, struct buf *bytes)
{
	unsigned long len = bytes->len;
	broadcast(&len, sizeof(len));
	if (transport->self != 0) {
		buf_consume(bytes, bytes->len);
		buf_room(bytes, len);
		buf_added(bytes, len);
	}
	broadcast(bytes->data, len);
}

int
mpi_host_gather(
	struct transport *transport, const void *mine, size_t len, struct buf *all, int *self)
{
	MPI_Comm host;
	int ranks;
	check(MPI_Comm_split_type(
		      MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, transport->self, MPI_INFO_NULL, &host),
		"MPI_Comm_split_type");
	MPI_Comm_size(host, &ranks);
	MPI_Comm_rank(host, self);
	size_t total = len * (size_t)ranks;
	check(MPI_Allgather(
		      mine, (int)len, MPI_BYTE, buf_room(all, total), (int)len, MPI_BYTE, host),
		"MPI_Allgather");
	buf_added(all, total);
	MPI_Comm_free(&host);
	return ranks;
}

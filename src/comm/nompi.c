/* A build without MPI: the functions of mpi.h that say so. */
#include "base/err.h"
#include "comm/mpi.h"

const bool mpi_built = false;

const char *
mpi_library(void)
{
	return "none";
}

struct transport *
mpi_open(struct err *err)
{
	err_set(err, "this mpbatch is built without MPI");
	return NULL;
}

void
mpi_broadcast(struct transport *transport, struct buf *bytes)
{
	(void)transport;
	(void)bytes;
}

int
mpi_host_gather(
	struct transport *transport, const void *mine, size_t len, struct buf *all, int *self)
{
	(void)transport;
	(void)mine;
	(void)len;
	(void)all;
	*self = 0;
	return 1;
}

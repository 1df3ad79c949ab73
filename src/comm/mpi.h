/*
 * The MPI transport, and the start-up exchanges that only MPI can do. mpi.c is the only file that
 * includes <mpi.h>; a build without MPI has nompi.c in its place, whose mpi_open() fails.
 *
 * MPI is asked for point-to-point calls only after start-up. Nothing here forks.
 */
#ifndef COMM_MPI_H
#define COMM_MPI_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;
struct transport;

/* True if this build has MPI in it. */
extern const bool mpi_built;

/* What the build's MPI calls itself, e.g. "Open MPI v4.1.4", for messages; "none" without. */
const char *mpi_library(void);

/* Initialises MPI (single-threaded) and returns the transport over all its ranks; the endpoint's
 * number is the rank. Sets the fork-safety variables that are unset first. Returns NULL with ERR.
 */
struct transport *mpi_open(struct err *err);

/* Start-up, collective: rank 0's BYTES replace everybody's. */
void mpi_broadcast(struct transport *transport, struct buf *bytes);

/* Start-up, collective: each rank of this host gives LEN bytes, the same number everywhere; ALL
 * gets every rank's bytes in order of rank; returns how many ranks, and in SELF which is ours. */
int mpi_host_gather(
	struct transport *transport, const void *mine, size_t len, struct buf *all, int *self);

#endif

/*
 * Claims: which cores of this host other runs have, those of other users and of other launchers
 * too. A run claims the cores that its slots run on, and has them as long as the process lives that
 * did so (one for all ranks of a host).
 *
 * A claim is a record lock (fcntl(2)) on one byte per CPU of /dev/full, a file that is on every
 * Linux, that everybody may open for writing, which a write lock asks for, and that hardly anybody
 * does: the kernel gives the locks of a process back when it closes any descriptor of the file. So
 * nothing is left behind by whatever death, a child inherits none, and containers that have the
 * host's /dev see them as well. Where /dev/full is missing, nobody sees anybody.
 *
 * A run within a task of another one finds its cores claimed by that. It claims them once more, one
 * DEPTH below, at other bytes: there it meets only its like.
 */
#ifndef PLACE_CLAIM_H
#define PLACE_CLAIM_H

#include "base/cpus.h"

#include <stdbool.h>

struct share_options;
struct share_rank;
struct topology;

struct claim_options {
	unsigned depth;	    /* MPBATCH_DEPTH */
	struct cpus within; /* the cores of the task that we are; empty: we are none */
	bool look;	    /* claim nothing */
};

/* Claims, for as long as this process lives, the cores that share_out() is going to give to the
 * ranks of this host. Returns the CPUs that are not for us, for the TAKEN of SHARE_OPTIONS. */
struct cpus claim_cores(const struct claim_options *options, const struct topology *topology,
	const struct share_rank *ranks, int nranks, const struct share_options *share_options);

#endif

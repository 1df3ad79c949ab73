/* The loop of a rank: transport, worker and, on rank 0, master, until the run is over. */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include <stdbool.h>
#include <stdint.h>

struct config;
struct keeper_link;
struct launcher;
struct loop;
struct observer;
struct plan;
struct slots;
struct status;
struct transport;

struct run_options {
	struct transport *transport;
	const struct keeper_link *keeper; /* its socket is taken over */
	int signal_fd;			  /* INT, TERM and HUP arrive here */
	const struct config *config;
	const struct launcher *launcher;
	struct plan *plan; /* rank 0 */
	struct slots *slots;
	struct observer *observer; /* rank 0; NULL: none */
	bool *alone; /* filled: a rank that does not answer is lost, and cannot be waited for */
	struct status *status; /* rank 0: where the run stood at its end; status_clear() frees */
};

/* Runs it to its end. Returns the exit code; 0 on other ranks than 0. */
int run_to_end(const struct run_options *options);

/* --show-binding: every rank reports its slots, rank 0 prints the map on standard output. */
void run_show_binding(const struct run_options *options);

#endif

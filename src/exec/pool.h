/* The real runner: a rank's executors, made by its keeper. */
#ifndef EXEC_POOL_H
#define EXEC_POOL_H

struct keeper_link;
struct loop;
struct runner;
struct setup;

/*
 * A runner with one executor for each of the COUNT setups (SLOTS[i] for its slot i), which are used
 * again for an executor that replaces a dead one, and must outlive it. It works within LOOP and
 * owns the keeper's socket. Slots report up() as they come, none before the first turn of the loop.
 */
struct runner *pool_new(
	struct loop *loop, const struct keeper_link *keeper, const struct setup *slots, int count);

#endif

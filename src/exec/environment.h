/*
 * The environment of tasks: that of the process before MPI_Init, less what the launcher put there,
 * plus MPBATCH_* and the thread counts. Built once per executor; per task only the index, the
 * attempt and what the task itself brings are changed.
 */
#ifndef EXEC_ENVIRONMENT_H
#define EXEC_ENVIRONMENT_H

#include <stdbool.h>
#include <stddef.h>

struct cpus;
struct setup;
struct task;

struct environment {
	char **base; /* NULL-terminated; strings are ours or the process's */
	size_t count;
	char **own; /* those of BASE that were made here */
	size_t own_count;
	char *block;   /* rank 0's environment */
	char **vector; /* base, and room for a task's own */
	size_t room;
	char index[48]; /* MPBATCH_INDEX=…, in BASE */
	char attempt[32];
	char *cwd; /* PWD=… for a task with a directory of its own, or NULL */
};

/* FROM is NULL-terminated, as environ(7), and must outlive it. CPUS is the mask tasks run on. */
void environment_init(struct environment *environment, char **from, const struct setup *setup,
	const struct cpus *cpus);
void environment_clear(struct environment *environment);

/* The vector for one task; valid until the next call. */
char **environment_for(struct environment *environment, const struct task *task);

/* The value of NAME in a vector, NULL if unset. */
const char *environment_get(char *const *vector, const char *name);

/* The first variable of a vector that tells programs to make more than CORES threads; how many is
 * in THREADS. NULL: none does. */
const char *environment_threads(char *const *vector, int cores, int *threads);

/* True if a variable of that NAME (without "=") belongs to a launcher, and no task should see it.
 */
bool environment_is_launcher(const char *name, size_t len);

#endif

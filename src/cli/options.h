/*
 * The command line and its defaults: an option's value is, in this order, what the command line
 * says, what rank 0's environment says (MPBATCH_TMPDIR for --tmpdir), or the default.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>

struct err;

#define OPTIONS_JOBS_UNSET (-2) /* beside SHARE_AUTO and numbers from 1 */

struct options {
	const char *list; /* path of the task list, "-" for standard input */
	int jobs;	  /* slots per rank */
	int cpus_per_task;
	bool master_works;
	bool bind;
	bool show_binding;
	bool env_from_master;
	bool keep_strays;
	bool restart;
	bool quiet;
	bool help;
	bool version;
	const char *tmpdir;
	const char *run_dir; /* NULL: LIST.mpbatch */
	char *keep_env;	     /* globs, separated by newlines; "" for none */
};

/* The defaults. Clear with options_clear(). */
void options_init(struct options *options);
void options_clear(struct options *options);

/* Takes options from MPBATCH_* variables; before options_from_arguments(). Returns 0, or -1 with
 * ERR, which names the variable and says what was expected. */
int options_from_environment(struct options *options, struct err *err);

/* Takes options and the list from the arguments. Returns 0, or -1 with ERR. */
int options_from_arguments(struct options *options, int argc, char **argv, struct err *err);

/* --help, on standard output. */
void options_print_help(void);

#endif

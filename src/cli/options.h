/*
 * The command line and its defaults: an option's value is, in this order, what the command line
 * says, what rank 0's environment says (MPBATCH_TMPDIR for --tmpdir), or the default.
 *
 * One argument and nothing that makes a template is a task list. After "--", or with ":::", "::::",
 * -a, --sweep or --array, the arguments are the words of a command template: after "--" several are
 * an argv, otherwise they are joined to a line for the shell.
 */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "tasks/pattern.h"
#include "tasks/result.h"
#include "tasks/rows.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct script;

#define OPTIONS_MAX 100		/* of options that there are */
#define OPTIONS_JOBS_UNSET (-2) /* beside SHARE_AUTO and numbers from 1 */

/* What to do; later ones win. */
enum action {
	ACTION_RUN,
	ACTION_SHOW_BINDING,
	ACTION_COUNT,
	ACTION_DRY_RUN,
	ACTION_CHECK,
	ACTION_VERSION,
	ACTION_HELP,
};

enum resume_how { RESUME_NOT, RESUME_ALL, RESUME_ONLY_FAILED, RESUME_ONLY_NEW };

enum colors_when { COLORS_AUTO, COLORS_ALWAYS, COLORS_NEVER };

enum bar_when { BAR_AUTO, BAR_ALWAYS, BAR_NEVER };

enum option_from { FROM_DEFAULT, FROM_VARIABLE, FROM_ARGUMENT };

struct options {
	unsigned char from[OPTIONS_MAX]; /* enum option_from of each of option_rows[] */
	enum action action;

	/* what to run */
	const char *list;   /* path of the task list, "-" for standard input; NULL: a template */
	bool list_as_is;    /* by --list: whatever it looks like */
	const char **words; /* of the template */
	size_t nwords;
	bool argv;	     /* the words stand after "--": several are just those of the program */
	bool template_given; /* by "--" or an input */
	struct rows_input *inputs;
	size_t ninputs;
	bool implied_input; /* standard input, of which nobody has said that it has the values */
	bool csv, tsv;
	char colsep; /* '\0': not given */
	char format; /* that these make, as in struct rows_options */
	bool header;
	bool zip;
	const char *where;

	/* an array's script */
	struct script *script; /* NULL: none */
	char *script_note;     /* what is followed of it, for the user; NULL: nothing to say */
	char *made[4];	       /* what was made of its texts for the members around */
	size_t nmade;

	/* each task */
	const char *cwd, *input, *out, *err; /* templates; NULL: not given */
	const char *tag;		     /* a template */
	const char **env;		     /* NAME=TEMPLATE */
	size_t nenv;
	uint32_t timeout_ms;
	const char *shell; /* with its options; NULL: as a command needs */

	/* slots */
	int jobs; /* slots per rank */
	int cpus_per_task;
	bool master_works;
	bool bind;
	bool env_from_master;
	bool keep_strays;
	char *keep_env; /* globs, separated by newlines; "" for none */

	/* results */
	enum output_mode output;
	bool output_given;
	struct pattern_files files; /* as the script has them */
	bool keep_order;
	bool remove_empty;
	bool keep_failed_only;
	const char *output_file; /* NULL: standard output */
	const char *run_dir;	 /* NULL: cli/keep.h finds one */
	bool no_run_dir;
	bool restart;
	enum resume_how resume;
	bool resume_changed; /* though the list has nothing that is done */
	const char *joblog;
	const char *tmpdir;
	bool quiet;
	enum colors_when colors;
	enum bar_when bar;
	int progress_interval_s; /* -1: not given */
};

/* The defaults. Clear with options_clear(). */
void options_init(struct options *options);
void options_clear(struct options *options);

/* Takes options from MPBATCH_* variables; before options_from_arguments(). Returns 0, or -1 with
 * ERR, which names the variable and says what was expected. */
int options_from_environment(struct options *options, struct err *err);

struct command_line {
	int argc;
	char **argv; /* from the program's name on */
	/* Of "mpbatch resume": */
	const char *resumed; /* its run directory; NULL: it is another command */
	char **more;	     /* options that go before those of ARGV */
	int nmore;
};

/* Takes options, and the list or the template, from the arguments. Returns 0, or -1 with ERR. */
int options_from_arguments(
	struct options *options, const struct command_line *line, struct err *err);

/* True if ENTRY of an environment, "NAME=VALUE", is an option's. */
bool options_is_variable(const char *entry);

/* Where the option NAME has its value from. */
enum option_from options_origin(const struct options *options, const char *name);

/* Gives the option NAME a value that neither has given. NULL, or what was expected of it. */
const char *options_set(struct options *options, const char *name, const char *value);

/* --help, on standard output. */
void options_print_help(void);

#endif

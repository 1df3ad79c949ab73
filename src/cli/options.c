/* Options: one row each, for the command line, the environment and --help. */
#include "cli/options.h"

#include "base/err.h"
#include "base/log.h"
#include "place/share.h"

#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 65536 };

struct option_row {
	const char *name;
	char letter;	      /* 0: none */
	const char *argument; /* what --help calls it; NULL: a switch */
	const char *help;
	bool no_variable; /* not taken from the environment */
	/* VALUE is NULL or "" for a switch that is given. Returns what was expected, NULL if fine.
	 */
	const char *(*set)(struct options *options, const char *value);
};

static const char *
parse_number(const char *value, int *number)
{
	char *end;
	long parsed = strtol(value, &end, 10);
	if (!isdigit((unsigned char)value[0]) || *end || parsed < 1 || parsed > NUMBER_MAX)
		return "a number from 1 to 65536";
	*number = (int)parsed;
	return NULL;
}

static const char *
set_jobs(struct options *options, const char *value)
{
	if (strcmp(value, "auto") != 0)
		return parse_number(value, &options->jobs) ? "a number from 1 to 65536, or auto"
							   : NULL;
	options->jobs = SHARE_AUTO;
	return NULL;
}

static const char *
set_cpus(struct options *options, const char *value)
{
	return parse_number(value, &options->cpus_per_task);
}

static const char *
set_bind(struct options *options, const char *value)
{
	options->bind = strcmp(value, "core") == 0;
	return options->bind || strcmp(value, "none") == 0 ? NULL : "core or none";
}

static const char *
set_stray(struct options *options, const char *value)
{
	options->keep_strays = strcmp(value, "keep") == 0;
	return options->keep_strays || strcmp(value, "kill") == 0 ? NULL : "kill or keep";
}

static const char *
set_keep_env(struct options *options, const char *value)
{
	size_t old = strlen(options->keep_env), len = strlen(value);
	if (!len || strchr(value, '\n'))
		return "a pattern such as OMPI_MCA_*";
	options->keep_env = xrealloc(options->keep_env, old + len + 2);
	memcpy(options->keep_env + old, value, len);
	memcpy(options->keep_env + old + len, "\n", 2);
	return NULL;
}

static const char *
set_path(const char **path, const char *value)
{
	*path = value;
	return *value ? NULL : "a directory";
}

static const char *
set_tmpdir(struct options *options, const char *value)
{
	return set_path(&options->tmpdir, value);
}

static const char *
set_run_dir(struct options *options, const char *value)
{
	return set_path(&options->run_dir, value);
}

static const char *
set_switch(bool *on, const char *value)
{
	*on = !value || strcmp(value, "1") == 0;
	return *on || strcmp(value, "0") == 0 || !*value ? NULL : "1 or 0";
}

#define SWITCH(member)                                                                             \
	static const char *set_##member(struct options *options, const char *value)                \
	{                                                                                          \
		return set_switch(&options->member, value);                                        \
	}

SWITCH(master_works)
SWITCH(show_binding)
SWITCH(env_from_master)
SWITCH(restart)
SWITCH(quiet)
SWITCH(help)
SWITCH(version)

static const struct option_row rows[] = {
	{.name = "jobs",
		.letter = 'j',
		.argument = "N|auto",
		.set = set_jobs,
		.help = "slots per rank: tasks that run at a time there. auto: all usable cores\n"
			"of the host, shared out among its ranks. Default: auto, or 1 under a\n"
			"launcher. With more than 1, or auto, rank 0 runs tasks too"},
	{.name = "cpus-per-task",
		.letter = 'c',
		.argument = "N",
		.set = set_cpus,
		.help = "cores of each slot (default 1); OMP_NUM_THREADS and its kin say so\n"
			"to tasks, if unset"},
	{.name = "master-works",
		.set = set_master_works,
		.help = "rank 0 has slots too, beside dispatching"},
	{.name = "bind",
		.argument = "core|none",
		.set = set_bind,
		.help = "bind each slot to cores of its own (default: core), or not at all"},
	{.name = "show-binding",
		.set = set_show_binding,
		.no_variable = true,
		.help = "print host, rank, slot, cores and NUMA node of each slot, and leave"},
	{.name = "run-dir",
		.argument = "DIR",
		.set = set_run_dir,
		.help = "where the journal goes (default: LIST.mpbatch; none for '-')"},
	{.name = "restart",
		.set = set_restart,
		.help = "run all tasks anew: an earlier run directory is moved to DIR.old"},
	{.name = "keep-env",
		.argument = "GLOB",
		.set = set_keep_env,
		.help = "launcher variables (OMPI_*, PMI*, SLURM_STEP_*, ...) that tasks are to\n"
			"see nevertheless; may be given several times"},
	{.name = "env-from-master",
		.set = set_env_from_master,
		.help = "give tasks on all ranks the environment of rank 0"},
	{.name = "stray",
		.argument = "kill|keep",
		.set = set_stray,
		.help = "what a task leaves running when it ends: kill it (default), or keep it"},
	{.name = "tmpdir",
		.argument = "DIR",
		.set = set_tmpdir,
		.help = "where large outputs wait (default: TMPDIR, or /tmp)"},
	{.name = "quiet",
		.letter = 'q',
		.set = set_quiet,
		.help = "no progress and no summary; errors only"},
	{.name = "help", .letter = 'h', .set = set_help, .no_variable = true, .help = "print this"},
	{.name = "version",
		.letter = 'V',
		.set = set_version,
		.no_variable = true,
		.help = "print the version and the MPI library"},
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]), FIRST_ROW = 256 };

void
options_init(struct options *options)
{
	const char *tmpdir = getenv("TMPDIR");
	*options = (struct options){.jobs = OPTIONS_JOBS_UNSET,
		.cpus_per_task = 1,
		.bind = true,
		.tmpdir = tmpdir && *tmpdir ? tmpdir : "/tmp",
		.keep_env = xstrdup("")};
}

void
options_clear(struct options *options)
{
	free(options->keep_env);
	*options = (struct options){0};
}

int
options_from_environment(struct options *options, struct err *err)
{
	for (int i = 0; i < ROWS; i++) {
		char name[64];
		int len = snprintf(name, sizeof(name), "MPBATCH_%s", rows[i].name);
		for (int k = 0; k < len; k++)
			name[k] = name[k] == '-' ? '_' : (char)toupper((unsigned char)name[k]);
		const char *value = getenv(name);
		if (!value || rows[i].no_variable)
			continue;
		const char *expected = rows[i].set(options, value);
		if (expected)
			return err_set(err, "environment variable %s=%s: expected %s", name, value,
				expected);
	}
	return 0;
}

static void
fill_getopt(struct option *longs, char *letters)
{
	*letters++ = ':'; /* say ':' where an argument is missing */
	for (int i = 0; i < ROWS; i++) {
		longs[i] = (struct option){.name = rows[i].name,
			.has_arg = rows[i].argument ? required_argument : no_argument,
			.val = FIRST_ROW + i};
		if (rows[i].letter)
			*letters++ = rows[i].letter;
		if (rows[i].letter && rows[i].argument)
			*letters++ = ':';
	}
	longs[ROWS] = (struct option){0};
	*letters = '\0';
}

static const struct option_row *
row_of(int found)
{
	for (int i = 0; i < ROWS; i++)
		if (found == FIRST_ROW + i || (rows[i].letter && found == rows[i].letter))
			return &rows[i];
	return NULL;
}

static int
take_list(struct options *options, int argc, char **argv, struct err *err)
{
	if (options->help || options->version)
		return 0;
	if (optind == argc && !options->show_binding)
		return err_set(err,
			"no task list: expected mpbatch [OPTION]... LIST (see mpbatch --help)");
	if (argc - optind > 1)
		return err_set(err, "argument '%s' after the task list '%s': expected one list",
			argv[optind + 1], argv[optind]);
	options->list = optind < argc ? argv[optind] : NULL;
	if (options->list && !*options->list)
		return err_set(err, "the task list's name is empty: expected a path, or '-'");
	return 0;
}

int
options_from_arguments(struct options *options, int argc, char **argv, struct err *err)
{
	struct option longs[ROWS + 1];
	char letters[2 * ROWS + 2];
	int found;
	fill_getopt(longs, letters);
	opterr = 0;
	optind = 0; /* glibc: start anew */
	while ((found = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		const char *word = argv[optind - 1];
		if (found == ':')
			return err_set(err, "option %s needs a value (see mpbatch --help)", word);
		if (found == '?' && optopt && optopt < FIRST_ROW)
			return err_set(err, "unknown option -%c (see mpbatch --help)", optopt);
		if (found == '?')
			return err_set(err,
				"option %s is unknown, ambiguous or takes no value (see mpbatch "
				"--help)",
				word);
		const struct option_row *row = row_of(found);
		const char *expected = row->set(options, optarg);
		if (expected)
			return err_set(
				err, "option --%s: '%s' is not %s", row->name, optarg, expected);
	}
	return take_list(options, argc, argv, err);
}

static void
print_row(const struct option_row *row)
{
	char left[64];
	if (row->letter)
		snprintf(left, sizeof(left), "-%c, --%s", row->letter, row->name);
	else
		snprintf(left, sizeof(left), "    --%s", row->name);
	size_t len = strlen(left);
	if (row->argument)
		snprintf(left + len, sizeof(left) - len, " %s", row->argument);
	printf("  %-28s", left);
	for (const char *help = row->help; *help;) {
		size_t line = strcspn(help, "\n");
		printf("%.*s\n", (int)line, help);
		help += line + (help[line] == '\n');
		if (*help)
			printf("%30s", "");
	}
}

void
options_print_help(void)
{
	printf("usage: mpbatch [OPTION]... LIST\n"
	       "       mpirun -n RANKS mpbatch [OPTION]... LIST\n\n"
	       "Runs the shell commands of LIST, one a line ('-': standard input), each pinned to\n"
	       "cores of its own: on all cores of this machine, or over all ranks of an MPI job.\n"
	       "Blank lines and lines that begin with '#' are skipped. Output appears whole, task "
	       "by\n"
	       "task; LIST.mpbatch/journal.1.tsv says how each task ended.\n\n");
	for (int i = 0; i < ROWS; i++)
		print_row(&rows[i]);
	printf("\nEach option but --show-binding, --help and --version can come from rank 0's\n"
	       "environment: MPBATCH_RUN_DIR=DIR for --run-dir DIR, MPBATCH_QUIET=1 for --quiet.\n"
	       "\nTasks see MPBATCH_INDEX, MPBATCH_ATTEMPT, MPBATCH_RANK, MPBATCH_SLOT, "
	       "MPBATCH_CPUS and,\n"
	       "where it is known, MPBATCH_NTASKS.\n"
	       "\nExit codes: 0 every task succeeded, 1 some failed, 2 usage or list error and "
	       "nothing\n"
	       "was run, 3 stopped early and work remains, 4 the run itself failed.\n");
}

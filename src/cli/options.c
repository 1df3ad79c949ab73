/* The command line, the environment, and --help. */
#include "cli/options.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "cli/arguments.h"
#include "cli/follow.h"
#include "cli/nearest.h"
#include "cli/option_rows.h"
#include "place/share.h"
#include "tasks/script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
options_init(struct options *options)
{
	const char *tmpdir = getenv("TMPDIR");
	*options = (struct options){.jobs = OPTIONS_JOBS_UNSET,
		.cpus_per_task = 1,
		.bind = true,
		.tmpdir = tmpdir && *tmpdir ? tmpdir : "/tmp",
		.progress_interval_s = -1,
		.keep_env = xstrdup("")};
}

void
options_clear(struct options *options)
{
	free(options->words);
	free(options->inputs);
	script_free(options->script);
	free(options->script_note);
	while (options->nmade)
		free(options->made[--options->nmade]);
	free(options->env);
	free(options->keep_env);
	*options = (struct options){0};
}

enum option_from
options_origin(const struct options *options, const char *name)
{
	return options->from[option_row_named(name, strlen(name)) - option_rows];
}

const char *
options_set(struct options *options, const char *name, const char *value)
{
	return option_row_named(name, strlen(name))->set(options, value);
}

/* --- inputs behind the command --- */

static bool
is_input_mark(const char *word)
{
	return strcmp(word, ":::") == 0 || strcmp(word, "::::") == 0 || strcmp(word, ":::+") == 0 ||
	       strcmp(word, "::::+") == 0;
}

/* "::: VALUE...", "::::+ FILE..." and so on; ARGV begins with the mark. */
static int
take_inputs(struct options *options, int argc, char **argv, struct err *err)
{
	for (int at = 0; at < argc;) {
		const char *mark = argv[at++];
		int end = at;
		while (end < argc && !is_input_mark(argv[end]))
			end++;
		bool linked = mark[strlen(mark) - 1] == '+';
		if (linked && !options->ninputs)
			return err_set(err, "%s: expected ::: or another input before it", mark);
		if (strncmp(mark, "::::", 4) != 0)
			options_add_input(options, &(struct rows_input){.kind = INPUT_ARGUMENTS,
							   .linked = linked,
							   .arguments = argv + at,
							   .narguments = (size_t)(end - at)});
		else if (end == at)
			return err_set(err, "%s: expected a file after it", mark);
		for (; strncmp(mark, "::::", 4) == 0 && at < end; at++)
			options_add_input(options,
				&(struct rows_input){
					.kind = INPUT_FILE, .linked = linked, .text = argv[at]});
		at = end;
	}
	return 0;
}

/* "-a s ::: a b -- echo {1}": nothing behind ":::" is a command, though it looks like one. */
static int
check_no_command(int argc, char **argv, struct err *err)
{
	int at = 0;
	while (at < argc && strcmp(argv[at], "--") != 0)
		at++;
	if (at + 1 >= argc)
		return 0;
	return err_set(err,
		"'-- %.60s' behind %s, where values stand: expected the command before them: "
		"mpbatch [OPTION]... -- %.60s ... %s %.60s ...",
		argv[at + 1], argv[0], argv[at + 1], argv[0], at > 1 ? argv[1] : "VALUE");
}

static int
zip_sweeps(struct options *options, struct err *err)
{
	size_t before = SIZE_MAX; /* the last sweep */
	int sweeps = 0;
	for (size_t i = 0; i < options->ninputs; i++) {
		if (options->inputs[i].kind != INPUT_SWEEP)
			continue;
		if (before != SIZE_MAX && before + 1 != i)
			return err_set(err, "--zip: expected all --sweep one behind the other");
		options->inputs[i].linked = before != SIZE_MAX;
		before = i;
		sweeps++;
	}
	if (sweeps > 1 || options_origin(options, "zip") == FROM_VARIABLE)
		return 0;
	return err_set(err, "--zip pairs sweeps: expected two --sweep or more (:::+ and ::::+ pair "
			    "values and files)");
}

/* A job array's script. A template that says nothing of inputs is one whose script says which array
 * it is, or has its values from standard input. */
static void
find_script(struct options *options)
{
	bool array = !options->ninputs;
	for (size_t i = 0; i < options->ninputs; i++)
		array = array || options->inputs[i].kind == INPUT_ARRAY;
	options->script = array ? script_find(options->words, options->nwords) : NULL;
	if (options->ninputs)
		return;
	const char *spec = options->script ? options->script->says[SCRIPT_ARRAY] : NULL;
	if (spec) {
		options_add_input(options, &(struct rows_input){.kind = INPUT_ARRAY, .text = spec});
		return;
	}
	options_add_input(options, &(struct rows_input){.kind = INPUT_FILE, .text = "-"});
	options->implied_input = true;
	script_free(options->script);
	options->script = NULL;
}

static int
take_words(struct options *options, int argc, char **argv, struct err *err)
{
	options->nwords = (size_t)argc;
	options->words = xcalloc((size_t)argc + 1, sizeof(*options->words));
	for (int i = 0; i < argc; i++)
		options->words[i] = argv[i];
	if (!argc && !options->ninputs)
		return err_set(err, "no command after --: expected mpbatch [OPTION]... -- COMMAND");
	if (!argc) { /* the values are the commands */
		options->words[0] = "{=}";
		options->nwords = 1;
	}
	find_script(options);
	return options->zip ? zip_sweeps(options, err) : 0;
}

/* --- what goes together --- */

/* NAME is said by a variable, and what it goes against is not. */
static bool
yields(const struct options *options, const char *name, bool against)
{
	return against && options_origin(options, name) == FROM_VARIABLE;
}

/* What variables say of tables and filters is for runs that have some. */
static void
yield_tables(struct options *options)
{
	bool list = options->list;
	bool table = options_origin(options, "csv") == FROM_ARGUMENT ||
		     options_origin(options, "tsv") == FROM_ARGUMENT ||
		     options_origin(options, "colsep") == FROM_ARGUMENT;
	if (yields(options, "csv", list || table))
		options->csv = false;
	if (yields(options, "tsv", list || table))
		options->tsv = false;
	if (yields(options, "colsep", list || table))
		options->colsep = '\0';
	if (yields(options, "header", list))
		options->header = false;
	if (yields(options, "zip", list))
		options->zip = false;
	if (yields(options, "where", list))
		options->where = NULL;
}

static void
yield_outputs(struct options *options)
{
	bool files = options_origin(options, "stdout") == FROM_ARGUMENT ||
		     options_origin(options, "stderr") == FROM_ARGUMENT;
	if (yields(options, "output",
		    files || options_origin(options, "keep-order") == FROM_ARGUMENT)) {
		options->output = OUTPUT_GROUP;
		options->output_given = false;
	}
	bool given = options_origin(options, "output") == FROM_ARGUMENT;
	bool others = given && options->output != OUTPUT_FILES;
	if (yields(options, "stdout", others))
		options->out = NULL;
	if (yields(options, "stderr", others))
		options->err = NULL;
	if (yields(options, "keep-order", files || (given && options->output != OUTPUT_GROUP)))
		options->keep_order = false;
	bool ours = options->output == OUTPUT_GROUP || options->output == OUTPUT_LINE;
	if (yields(options, "tag", files || (given && !ours)) ||
		yields(options, "tagstring", files || (given && !ours)))
		options->tag = NULL;
	if (yields(options, "output-file", files || (given && !ours)))
		options->output_file = NULL;
}

static void
yield_run_dir(struct options *options)
{
	bool none = options_origin(options, "no-run-dir") == FROM_ARGUMENT;
	if (yields(options, "run-dir", none))
		options->run_dir = NULL;
	if (yields(options, "resume", none))
		options->resume = RESUME_NOT;
	bool stored = options->output == OUTPUT_STORE;
	if (yields(options, "no-run-dir",
		    options_origin(options, "run-dir") == FROM_ARGUMENT ||
			    options_origin(options, "resume") == FROM_ARGUMENT ||
			    (stored && options_origin(options, "output") == FROM_ARGUMENT)))
		options->no_run_dir = false;
}

/* What the command line says goes before what variables say of the same matter. */
static void
yield_variables(struct options *options)
{
	if (yields(options, "resume", options_origin(options, "restart") == FROM_ARGUMENT))
		options->resume = RESUME_NOT;
	if (yields(options, "restart", options_origin(options, "resume") == FROM_ARGUMENT))
		options->restart = false;
	yield_tables(options);
	yield_outputs(options);
	yield_run_dir(options);
}

static int
check_run_dir(const struct options *options, struct err *err)
{
	const char *other = options->run_dir		      ? "--run-dir"
			    : options->resume		      ? "--resume"
			    : options->output == OUTPUT_STORE ? "--output store"
							      : NULL;
	if (options->no_run_dir && other)
		return err_set(err, "%s needs a run directory: expected no --no-run-dir", other);
	return 0;
}

static int
check_outputs(struct options *options, struct err *err)
{
	bool paths = options->out || options->err || options->files.out;
	bool maybe = paths || options->list; /* its directives may set some: cli/plan.c */
	if (paths && options->output_given && options->output != OUTPUT_FILES)
		return err_set(err, "--stdout and --stderr go with --output files, not with %s",
			output_mode_names[options->output]);
	if (paths)
		options->output = OUTPUT_FILES;
	if (!maybe && options->output == OUTPUT_FILES)
		return err_set(err, "--output files: expected --stdout or --stderr with it");
	if ((options->remove_empty || options->keep_failed_only) && !maybe)
		return err_set(
			err, "--remove-empty and --keep-output go with --stdout and --stderr");
	if (options->keep_order && options->output != OUTPUT_GROUP)
		return err_set(err, "--keep-order goes with --output group");
	bool ours = options->output == OUTPUT_GROUP || options->output == OUTPUT_LINE;
	if (options->tag && !ours)
		return err_set(err, "--tag and --tagstring go with --output group or line");
	if (options->output_file && !ours)
		return err_set(err, "--output-file goes with --output group or line");
	return 0;
}

static int
check(struct options *options, struct err *err)
{
	yield_variables(options);
	follow_script(options);
	if (options->resume_changed && !options->resume)
		options->resume = RESUME_ALL;
	if (options->csv + options->tsv + (options->colsep != '\0') > 1)
		return err_set(err, "--csv, --tsv and --colsep: expected one of them");
	options->format = options->csv ? ROWS_CSV : options->tsv ? ROWS_TSV : options->colsep;
	if (options->restart && options->resume)
		return err_set(err, "--restart and --resume: expected one of them");
	if (options->list && options->template_given)
		return err_set(err,
			"'%.100s' stands before options that make a command template: expected "
			"mpbatch [OPTION]... -- COMMAND",
			options->list);
	bool needed = options->action != ACTION_SHOW_BINDING;
	if (needed && !options->list && !options->template_given)
		return err_set(err,
			"no task list: expected mpbatch [OPTION]... LIST, where - is standard "
			"input, or -- COMMAND, whose values standard input has (see mpbatch "
			"--help)");
	if (options->list && !*options->list)
		return err_set(err, "the task list's name is empty: expected a path, or '-'");
	if (options->list && (options->format || options->header || options->zip || options->where))
		return err_set(err, "--csv, --tsv, --colsep, --header, --zip and --where go with a "
				    "command template: expected mpbatch [OPTION]... -- COMMAND");
	return check_outputs(options, err) < 0 ? -1 : check_run_dir(options, err);
}

/* WORD and those behind it follow a list: a command was meant, or a subcommand misspelt. */
static int
refuse_second(const char *list, const struct arguments *arguments, struct err *err)
{
	const char *word = arguments->argv[arguments->at - 1];
	struct nearest nearest = nearest_to(list, strlen(list));
	nearest_try(&nearest, "resume");
	nearest_try(&nearest, "status");
	nearest_try(&nearest, "output");
	nearest_try(&nearest, "report");
	if (nearest.found && access(list, F_OK) < 0)
		return err_set(err,
			"argument '%.100s' after the task list '%.100s': expected one list, or "
			"'mpbatch %s %.100s'",
			word, list, nearest.found, word);
	struct buf line = {0};
	for (int i = arguments->at - 1; i < arguments->argc; i++)
		buf_printf(&line, " %s", arguments->argv[i]);
	err_set(err,
		"argument '%.100s' after the task list '%.100s': expected one list, or, for a "
		"command, mpbatch -- %.60s%.*s",
		word, list, list, (int)(line.len < 100 ? line.len : 100), line.data);
	buf_clear(&line);
	return -1;
}

/* One list, options before and after it. */
static int
take_list(struct options *options, struct arguments *arguments, struct err *err)
{
	while (arguments->at < arguments->argc) {
		const char *word = arguments->argv[arguments->at++];
		if (options->list)
			return refuse_second(options->list, arguments, err);
		options->list = word;
		if (arguments_take(arguments, options, err) < 0)
			return -1;
	}
	return 0;
}

static int
take_line(struct options *options, int argc, char **argv, struct err *err)
{
	int head = 1;
	while (head < argc && !is_input_mark(argv[head]))
		head++;
	struct arguments arguments = {.argc = head, .argv = argv, .at = 1};
	if (arguments_take(&arguments, options, err) < 0)
		return -1;
	if (options->action >= ACTION_VERSION)
		return 0;
	if (take_inputs(options, argc - head, argv + head, err) < 0)
		return -1;
	options->argv = arguments.dashes;
	if (arguments.at == head && !arguments.dashes &&
		check_no_command(argc - head, argv + head, err) < 0)
		return -1;
	options->template_given = options->template_given || arguments.dashes;
	return options->template_given
		       ? take_words(options, head - arguments.at, argv + arguments.at, err)
		       : take_list(options, &arguments, err);
}

/* The options of "mpbatch resume RUN OPTION...". How an earlier session began is not how this one
 * does. */
static int
take_more(struct options *options, const struct command_line *line, struct err *err)
{
	struct arguments arguments = {.argc = line->nmore, .argv = line->more};
	size_t ninputs = options->ninputs;
	bool zip = options->zip;
	options->restart = options->resume_changed = options->no_run_dir = false;
	options->resume = RESUME_NOT;
	options->run_dir = NULL;
	if (arguments_take(&arguments, options, err) < 0)
		return -1;
	if (arguments.dashes || arguments.at < arguments.argc)
		return err_set(err,
			"resume: '%.100s' is no option: expected mpbatch resume RUN [OPTION]...; "
			"what is run stands in RUN",
			line->more[arguments.at - arguments.dashes]);
	if (options->ninputs != ninputs || options->zip != zip)
		return err_set(err, "resume: the values stand in RUN: expected it without -a, "
				    "--sweep, --array and --zip");
	if (options->restart || options->run_dir || options->no_run_dir)
		return err_set(err, "resume goes on with RUN: expected it without --restart, "
				    "--run-dir and --no-run-dir");
	options->resume = options->resume ? options->resume : RESUME_ALL;
	options->run_dir = line->resumed;
	options->from[option_row_named("resume", strlen("resume")) - option_rows] = FROM_ARGUMENT;
	return 0;
}

int
options_from_arguments(struct options *options, const struct command_line *line, struct err *err)
{
	bool known = line->argc;
	if (known && take_line(options, line->argc, line->argv, err) < 0)
		return -1;
	if (line->resumed && take_more(options, line, err) < 0)
		return -1;
	return !known || options->action >= ACTION_VERSION ? 0 : check(options, err);
}

/* --- --help --- */

static void
print_row(const struct option_row *row)
{
	char left[64];
	int len = row->letter ? snprintf(left, sizeof(left), "-%c, --%s", row->letter, row->name)
			      : snprintf(left, sizeof(left), "    --%s", row->name);
	if (row->argument)
		snprintf(left + len, sizeof(left) - (size_t)len,
			row->may_lack_argument ? "[=%s]" : " %s", row->argument);
	if (row->group)
		printf("\n%s\n", row->group);
	printf("  %-28s", left);
	if (strlen(left) > 27)
		printf("\n%30s", "");
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
	       "       mpbatch [OPTION]... [--] COMMAND {} ::: VALUE...     (or -a FILE, --sweep "
	       "...)\n"
	       "       mpbatch resume RUN [OPTION]...\n"
	       "       mpbatch status|output|report RUN\n"
	       "       mpirun -n RANKS mpbatch ...\n\n"
	       "Runs the shell commands of LIST, one a line ('-': standard input), or COMMAND once "
	       "for "
	       "each\n"
	       "VALUE, each pinned to cores of its own: on all cores of this machine, or over all "
	       "ranks "
	       "of\n"
	       "an MPI job. LIST.mpbatch/ keeps how each task ended.\n");
	for (int i = 0; i < option_rows_count; i++)
		if (option_rows[i].help)
			print_row(&option_rows[i]);
	printf("\nPlaceholders: {} {2} {name}, of a path {.} {/} {//} {/.}, unquoted {=} {=name}, "
	       "index "
	       "{#}\n"
	       "{0#}, slot {%%}, {{ a brace. Most options can come from rank 0's environment:\n"
	       "MPBATCH_RUN_DIR=DIR for --run-dir DIR, MPBATCH_QUIET=1 for --quiet. Tasks see "
	       "MPBATCH_INDEX,\n"
	       "MPBATCH_ATTEMPT, MPBATCH_RANK, MPBATCH_SLOT, MPBATCH_CPUS and MPBATCH_NTASKS.\n"
	       "\nExit codes: 0 every task succeeded, 1 some failed, 2 usage or list error and "
	       "nothing\n"
	       "was run, 3 stopped early and work remains, 4 the run itself failed.\n");
}

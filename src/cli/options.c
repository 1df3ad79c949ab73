/* The command line, the environment, and --help. */
#include "cli/options.h"

#include "base/err.h"
#include "base/log.h"
#include "cli/option_rows.h"
#include "place/share.h"
#include "tasks/array.h"

#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROW = 256, ROWS_MAX = 100 };

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
	free(options->script_array);
	free(options->env);
	free(options->keep_env);
	*options = (struct options){0};
}

int
options_from_environment(struct options *options, struct err *err)
{
	for (int i = 0; i < option_rows_count; i++) {
		const struct option_row *row = &option_rows[i];
		char name[64];
		int len = snprintf(name, sizeof(name), "MPBATCH_%s", row->name);
		for (int k = 0; k < len; k++)
			name[k] = name[k] == '-' ? '_' : (char)toupper((unsigned char)name[k]);
		const char *value = getenv(name);
		if (!value || row->no_variable)
			continue;
		const char *expected = row->set(options, value);
		if (expected)
			return err_set(err, "environment variable %s=%.100s: expected %s", name,
				value, expected);
	}
	return 0;
}

/* --- options --- */

static void
fill_getopt(struct option *longs, char *letters)
{
	*letters++ = '+'; /* the words of a template are not ours to look at */
	*letters++ = ':'; /* say ':' where an argument is missing */
	for (int i = 0; i < option_rows_count; i++) {
		const struct option_row *row = &option_rows[i];
		longs[i] = (struct option){.name = row->name,
			.has_arg = row->may_lack_argument ? optional_argument
				   : row->argument	  ? required_argument
							  : no_argument,
			.val = FIRST_ROW + i};
		if (row->letter)
			*letters++ = row->letter;
		if (row->letter && row->argument)
			*letters++ = ':';
	}
	longs[option_rows_count] = (struct option){0};
	*letters = '\0';
}

static const struct option_row *
row_of(int found)
{
	for (int i = 0; i < option_rows_count; i++)
		if (found == FIRST_ROW + i ||
			(option_rows[i].letter && found == option_rows[i].letter))
			return &option_rows[i];
	return NULL;
}

/* How many letters have to be put in, left out, replaced or, in pairs, swapped to make A, of LEN
 * bytes, into B: the optimal string alignment distance. */
static size_t
distance(const char *a, size_t len, const char *b)
{
	enum { NAME_MAX_BYTES = 32 };
	size_t rows[NAME_MAX_BYTES + 1][NAME_MAX_BYTES + 1], other = strlen(b);
	if (len > NAME_MAX_BYTES || other > NAME_MAX_BYTES)
		return SIZE_MAX;
	for (size_t i = 0; i <= len; i++) {
		for (size_t k = 0; k <= other; k++) {
			if (!i || !k) {
				rows[i][k] = i + k;
				continue;
			}
			size_t best = rows[i - 1][k - 1] + (a[i - 1] != b[k - 1]);
			if (rows[i - 1][k] + 1 < best)
				best = rows[i - 1][k] + 1;
			if (rows[i][k - 1] + 1 < best)
				best = rows[i][k - 1] + 1;
			bool swapped =
				i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1];
			if (swapped && rows[i - 2][k - 2] + 1 < best)
				best = rows[i - 2][k - 2] + 1;
			rows[i][k] = best;
		}
	}
	return rows[len][other];
}

/* The option that was probably meant, NULL if none is near. */
static const char *
nearest(const char *name, size_t len)
{
	const char *found = NULL;
	size_t best = len < 6 ? 2 : 3; /* to be under */
	for (int i = 0; i < option_rows_count; i++) {
		size_t now = distance(name, len, option_rows[i].name);
		if (now >= best)
			continue;
		best = now;
		found = option_rows[i].name;
	}
	return found;
}

/* WORD is "--NAME" or "--NAME=VALUE" and no option, or the beginning of several. */
static int
refuse_name(const char *word, struct err *err)
{
	char several[256] = "";
	size_t len = strcspn(word + 2, "="), used = 0;
	for (int i = 0; i < option_rows_count && used < sizeof(several); i++)
		if (strncmp(option_rows[i].name, word + 2, len) == 0)
			used += (size_t)snprintf(several + used, sizeof(several) - used, "%s--%s",
				used ? ", " : "", option_rows[i].name);
	if (used)
		return err_set(
			err, "option %.100s is ambiguous: expected one of %s", word, several);
	const char *meant = nearest(word + 2, len);
	return err_set(err, "unknown option %.100s%s%s (see mpbatch --help)", word,
		meant ? ": expected --" : "", meant ? meant : "");
}

static int
take_option(struct options *options, int found, const char *word, struct err *err)
{
	if (found == ':')
		return err_set(err, "option %.100s needs a value (see mpbatch --help)", word);
	if (found == '?' && optopt && optopt < FIRST_ROW)
		return err_set(err, "unknown option -%c (see mpbatch --help)", optopt);
	if (found == '?' && optopt)
		return err_set(err,
			"option --%s takes no value: expected nothing behind it, not '%.100s'",
			row_of(optopt)->name, word + strcspn(word, "="));
	if (found == '?')
		return refuse_name(word, err);
	const struct option_row *row = row_of(found);
	const char *expected = row->set(options, optarg);
	return expected ? err_set(err, "option --%s: '%.100s' is not %s", row->name, optarg,
				  expected)
			: 0;
}

/* Takes options up to the first word that is none. Sets *DASHES if that was "--". */
static int
take_options(struct options *options, int argc, char **argv, bool *dashes, struct err *err)
{
	struct option longs[ROWS_MAX];
	char letters[2 * ROWS_MAX];
	int found, before = optind;
	fill_getopt(longs, letters);
	while ((found = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		if (take_option(options, found, argv[optind - 1], err) < 0)
			return -1;
		before = optind;
	}
	before = before ? before : 1;
	*dashes = optind == before + 1 && strcmp(argv[before], "--") == 0;
	return 0;
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

static int
zip_sweeps(struct options *options, struct err *err)
{
	size_t before = SIZE_MAX; /* the last sweep */
	for (size_t i = 0; i < options->ninputs; i++) {
		if (options->inputs[i].kind != INPUT_SWEEP)
			continue;
		if (before != SIZE_MAX && before + 1 != i)
			return err_set(err, "--zip: expected all --sweep one behind the other");
		options->inputs[i].linked = before != SIZE_MAX;
		before = i;
	}
	return 0;
}

/* A template that says nothing of inputs: a job array's script, or values from standard input. */
static void
find_input(struct options *options)
{
	options->script_array = array_of_script(options->words[0]);
	if (options->script_array)
		options_add_input(options,
			&(struct rows_input){.kind = INPUT_ARRAY, .text = options->script_array});
	else
		options_add_input(options, &(struct rows_input){.kind = INPUT_FILE, .text = "-"});
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
	if (!options->ninputs)
		find_input(options);
	return options->zip ? zip_sweeps(options, err) : 0;
}

/* --- what goes together --- */

static int
check_outputs(struct options *options, struct err *err)
{
	bool paths = options->out || options->err;
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
			"no task list: expected mpbatch [OPTION]... LIST (see mpbatch --help)");
	if (options->list && !*options->list)
		return err_set(err, "the task list's name is empty: expected a path, or '-'");
	if (options->list && (options->format || options->header || options->zip || options->where))
		return err_set(err,
			"--csv, --tsv, --header, --zip and --where go with a command template: "
			"expected mpbatch [OPTION]... -- COMMAND");
	return check_outputs(options, err);
}

/* One list, options before and after it. */
static int
take_list(struct options *options, int argc, char **argv, struct err *err)
{
	while (optind < argc) {
		bool dashes;
		if (options->list)
			return err_set(err,
				"argument '%.100s' after the task list '%.100s': expected one list",
				argv[optind], options->list);
		options->list = argv[optind++];
		if (take_options(options, argc, argv, &dashes, err) < 0)
			return -1;
	}
	return 0;
}

int
options_from_arguments(struct options *options, int argc, char **argv, struct err *err)
{
	int head = 1;
	while (head < argc && !is_input_mark(argv[head]))
		head++;
	bool dashes;
	opterr = 0;
	optind = 0; /* glibc: start anew */
	if (take_options(options, head, argv, &dashes, err) < 0)
		return -1;
	if (options->action >= ACTION_VERSION)
		return 0;
	if (take_inputs(options, argc - head, argv + head, err) < 0)
		return -1;
	options->template_given = options->template_given || dashes;
	int got = options->template_given ? take_words(options, head - optind, argv + optind, err)
					  : take_list(options, head, argv, err);
	return got < 0 || options->action >= ACTION_VERSION ? got : check(options, err);
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

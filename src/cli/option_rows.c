/* The table of options, and how each takes its value. */
#include "cli/option_rows.h"

#include "base/duration.h"
#include "base/log.h"
#include "base/pathname.h"
#include "place/share.h"
#include "tasks/shell.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_MAX = 65536, INTERVAL_MAX = 86400 };

static const char *
parse_number(const char *value, int from, int to, int *number)
{
	char *end;
	long parsed = strtol(value, &end, 10);
	if (!isdigit((unsigned char)value[0]) || *end || parsed < from || parsed > to)
		return "a number from 1 to 65536";
	*number = (int)parsed;
	return NULL;
}

static const char *
set_switch(bool *on, const char *value)
{
	*on = !value || strcmp(value, "1") == 0;
	return *on || strcmp(value, "0") == 0 || !*value ? NULL : "1 or 0";
}

static const char *
set_path(const char **path, const char *value)
{
	*path = value;
	return pathname_misread(value);
}

static const char *
set_action(struct options *options, enum action action)
{
	if (action > options->action)
		options->action = action;
	return NULL;
}

#define SWITCH(member)                                                                             \
	static const char *set_##member(struct options *options, const char *value)                \
	{                                                                                          \
		return set_switch(&options->member, value);                                        \
	}

#define TEXT(member)                                                                               \
	static const char *set_##member(struct options *options, const char *value)                \
	{                                                                                          \
		return set_path(&options->member, value);                                          \
	}

#define ACTION(name, action)                                                                       \
	static const char *set_##name(struct options *options, const char *value)                  \
	{                                                                                          \
		(void)value;                                                                       \
		return set_action(options, action);                                                \
	}

SWITCH(master_works)
SWITCH(env_from_master)
SWITCH(restart)
SWITCH(no_run_dir)
SWITCH(resume_changed)
SWITCH(quiet)
SWITCH(csv)
SWITCH(tsv)
SWITCH(header)
SWITCH(zip)
SWITCH(keep_order)
SWITCH(remove_empty)
TEXT(cwd)
TEXT(input)
TEXT(tmpdir)
TEXT(run_dir)
TEXT(output_file)
ACTION(help, ACTION_HELP)
ACTION(version, ACTION_VERSION)
ACTION(show_binding, ACTION_SHOW_BINDING)
ACTION(count, ACTION_COUNT)
ACTION(dry_run, ACTION_DRY_RUN)
ACTION(check, ACTION_CHECK)

/* --- slots --- */

static const char *
set_jobs(struct options *options, const char *value)
{
	if (strcmp(value, "auto") != 0)
		return parse_number(value, 1, NUMBER_MAX, &options->jobs)
			       ? "a number from 1 to 65536, or auto"
			       : NULL;
	options->jobs = SHARE_AUTO;
	return NULL;
}

static const char *
set_cpus(struct options *options, const char *value)
{
	return parse_number(value, 1, NUMBER_MAX, &options->cpus_per_task);
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

/* --- parameters --- */

void
options_add_input(struct options *options, const struct rows_input *input)
{
	options->inputs =
		xrealloc(options->inputs, (options->ninputs + 1) * sizeof(*options->inputs));
	options->inputs[options->ninputs++] = *input;
	options->template_given = true;
}

static const char *
set_arg_file(struct options *options, const char *value)
{
	options_add_input(options, &(struct rows_input){.kind = INPUT_FILE, .text = value});
	return *value ? NULL : "a file, or '-'";
}

/* One byte, or what GNU parallel's users write for a tab. */
static const char *
set_colsep(struct options *options, const char *value)
{
	char c = strcmp(value, "\\t") == 0 ? '\t' : *value;
	bool one = c == '\t' || (*value && !value[1]);
	if (!one || strchr("\"\n\r", c) || (unsigned char)c > 0x7f)
		return "one character that no quote is, such as ; or \\t";
	options->colsep = c;
	return NULL;
}

static const char *
set_list(struct options *options, const char *value)
{
	options->list_as_is = true;
	options->list = value;
	return *value ? NULL : "a path, or '-'";
}

static const char *
set_sweep(struct options *options, const char *value)
{
	options_add_input(options, &(struct rows_input){.kind = INPUT_SWEEP, .text = value});
	return NULL;
}

static const char *
set_array(struct options *options, const char *value)
{
	options_add_input(options, &(struct rows_input){.kind = INPUT_ARRAY, .text = value});
	return NULL;
}

static const char *
set_where(struct options *options, const char *value)
{
	options->where = value;
	return *value ? NULL : "an expression such as 'rate<0.3'";
}

static const char *
set_env(struct options *options, const char *value)
{
	size_t name =
		strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
	if (!name || value[name] != '=' || isdigit((unsigned char)value[0]))
		return "NAME=TEMPLATE";
	options->env = xrealloc(options->env, (options->nenv + 1) * sizeof(*options->env));
	options->env[options->nenv++] = value;
	return NULL;
}

static const char *
set_shell(struct options *options, const char *value)
{
	options->shell = value;
	return *value ? NULL : SHELL_EXPECTED;
}

static const char *
set_timeout(struct options *options, const char *value)
{
	return duration_parse(value, &options->timeout_ms);
}

/* --- results --- */

static const char *
set_output(struct options *options, const char *value)
{
	options->output_given = true;
	for (int mode = 0; mode < OUTPUT_MODES; mode++) {
		if (strcmp(value, output_mode_names[mode]) != 0)
			continue;
		options->output = (enum output_mode)mode;
		return NULL;
	}
	return "group, line, none, files or store";
}

static const char *
set_out(struct options *options, const char *value)
{
	return set_path(&options->out, value);
}

static const char *
set_err(struct options *options, const char *value)
{
	return set_path(&options->err, value);
}

static const char *
set_joblog(struct options *options, const char *value)
{
	if (*value == '+')
		return "a path without '+' (--resume goes on with it; ./+NAME is a file of that "
		       "name)";
	return set_path(&options->joblog, value);
}

static const char *
set_keep_output(struct options *options, const char *value)
{
	options->keep_failed_only = strcmp(value, "failed") == 0;
	return options->keep_failed_only || strcmp(value, "all") == 0 ? NULL : "all or failed";
}

static const char *
set_tag(struct options *options, const char *value)
{
	bool on;
	const char *expected = set_switch(&on, value);
	options->tag = on ? "{}" : NULL;
	return expected;
}

static const char *
set_tagstring(struct options *options, const char *value)
{
	options->tag = value;
	return NULL;
}

static const char *
set_resume(struct options *options, const char *value)
{
	static const struct {
		const char *name;
		enum resume_how how;
	} halves[] = {{"", RESUME_ALL}, {"1", RESUME_ALL}, {"all", RESUME_ALL}, {"0", RESUME_NOT},
		{"failed", RESUME_ONLY_FAILED}, {"new", RESUME_ONLY_NEW}};
	for (size_t i = 0; i < sizeof(halves) / sizeof(halves[0]); i++) {
		if (strcmp(value ? value : "", halves[i].name) != 0)
			continue;
		options->resume = halves[i].how;
		return NULL;
	}
	return "all, failed or new";
}

static const char *
set_colors(struct options *options, const char *value)
{
	static const char *const names[] = {
		[COLORS_AUTO] = "auto", [COLORS_ALWAYS] = "always", [COLORS_NEVER] = "never"};
	for (int when = COLORS_AUTO; when <= COLORS_NEVER; when++) {
		if (strcmp(value, names[when]) != 0)
			continue;
		options->colors = (enum colors_when)when;
		return NULL;
	}
	return "auto, always or never";
}

static const char *
set_bar(struct options *options, const char *value)
{
	bool on;
	const char *expected = set_switch(&on, value);
	options->bar = on ? BAR_ALWAYS : BAR_NEVER;
	return expected;
}

static const char *
set_no_bar(struct options *options, const char *value)
{
	bool on;
	const char *expected = set_switch(&on, value);
	options->bar = on ? BAR_NEVER : BAR_AUTO;
	return expected;
}

static const char *
set_progress_interval(struct options *options, const char *value)
{
	return parse_number(value, 0, INTERVAL_MAX, &options->progress_interval_s)
		       ? "a number of seconds up to 86400, 0 for none"
		       : NULL;
}

/* clang-format off */
const struct option_row option_rows[] = {
	{.group = "parameters (a command template and what fills it)",
		.name = "arg-file", .letter = 'a', .argument = "FILE", .set = set_arg_file, .no_variable = true,
		.help = "a value a line (:::: FILE too; ::: VALUE... from arguments)"},
	{.name = "csv", .set = set_csv, .help = "files are CSV tables"},
	{.name = "tsv", .set = set_tsv, .help = "files are tables with tabs"},
	{.name = "colsep", .argument = "C", .set = set_colsep,
		.help = "files are tables with another character, such as ';'"},
	{.name = "header", .set = set_header, .filler = ":",
		.help = "the first line of a file names its columns"},
	{.name = "sweep", .argument = "NAME=VALUES", .set = set_sweep, .no_variable = true,
		.help = "A,B,C  1..100  1..1000..10  lin(0,1,11)  log(1e-5,1,6)"},
	{.name = "zip", .set = set_zip, .help = "pair the sweeps instead of multiplying them"},
	{.name = "where", .argument = "EXPR", .set = set_where,
		.help = "only rows with, say, 'rate<0.3 || seed<=10'"},
	{.name = "array", .argument = "SPEC", .set = set_array, .no_variable = true,
		.help = "run a job-array script: SLURM_ARRAY_TASK_ID and kin, and\n"
			"what its #SBATCH lines say of output files, directory, cores"},

	{.group = "each task (TEMPLATE: text with {}, {name}, {#}...)",
		.name = "cwd", .argument = "TEMPLATE", .set = set_cwd, .help = "its directory, made if missing"},
	{.name = "stdin", .argument = "TEMPLATE", .set = set_input, .help = "its input (default: /dev/null)"},
	{.name = "env", .argument = "NAME=TEMPLATE", .set = set_env, .help = "a variable of it; several times"},
	{.name = "timeout", .argument = "TIME", .set = set_timeout, .help = "end it after 90, 10m, 1h30m ..."},
	{.name = "shell", .argument = "'PATH [ARG...]'", .set = set_shell,
		.help = "runs it (default: /bin/sh, or bash for what only bash knows)"},
	{.name = "stray", .argument = "kill|keep", .set = set_stray,
		.help = "what it leaves running: kill (default), or keep"},
	{.name = "keep-env", .argument = "GLOB", .set = set_keep_env,
		.help = "launcher variables (OMPI_*, ...) it is to see; several times"},
	{.name = "env-from-master", .set = set_env_from_master, .help = "rank 0's environment on all ranks"},

	{.group = "slots",
		.name = "jobs", .letter = 'j', .argument = "N|auto", .set = set_jobs,
		.help = "slots per rank. auto: all usable cores of the host, shared out\n"
			"among its ranks. Default: auto, or 1 under a launcher. With more\n"
			"than 1, or auto, rank 0 runs tasks too"},
	{.name = "cpus-per-task", .letter = 'c', .argument = "N", .set = set_cpus,
		.help = "cores of each slot (default: an array script's, or 1), told\n"
			"by OMP_NUM_THREADS and kin"},
	{.name = "master-works", .set = set_master_works, .help = "rank 0 has slots too, beside dispatching"},
	{.name = "bind", .argument = "core|none", .set = set_bind, .help = "bind slots to cores (default), or not"},

	{.group = "outputs",
		.name = "output", .argument = "MODE", .set = set_output,
		.help = "group (default): each task's whole, as it ends; line: lines as\n"
			"they come; none; files; store: one file per slot in the run\n"
			"directory, read by mpbatch output"},
	{.name = "stdout", .argument = "TEMPLATE", .set = set_out, .help = "a file for it (--output files)"},
	{.name = "stderr", .argument = "TEMPLATE", .set = set_err, .help = "the same file as --stdout: merged"},
	{.name = "remove-empty", .set = set_remove_empty, .help = "remove such files where they stay empty"},
	{.name = "keep-output", .argument = "all|failed", .set = set_keep_output,
		.help = "failed: remove such files of tasks that succeed"},
	{.name = "keep-order", .letter = 'k', .set = set_keep_order, .help = "outputs in the order of the tasks"},
	{.name = "tag", .set = set_tag, .help = "begin each line with the task's values and a tab"},
	{.name = "tagstring", .argument = "TEMPLATE", .set = set_tagstring, .help = "... with this and a tab"},
	{.name = "output-file", .argument = "FILE", .set = set_output_file,
		.help = "standard output of all tasks, past the launcher's buffers"},

	{.group = "the run",
		.name = "run-dir", .argument = "DIR", .set = set_run_dir,
		.help = "where journal and results go (default: LIST.mpbatch for a list\n"
			"that is a file; else in a batch job mpbatch.JOB, under a\n"
			"launcher mpbatch.N, otherwise none)"},
	{.name = "no-run-dir", .set = set_no_run_dir, .help = "keep none of these"},
	{.name = "list", .argument = "FILE", .set = set_list, .no_variable = true,
		.help = "the task list, even if it looks like a script"},
	{.name = "resume", .argument = "failed|new", .may_lack_argument = true, .set = set_resume,
		.help = "run what has not succeeded; one half of it with =failed, =new"},
	{.name = "resume-changed", .set = set_resume_changed,
		.help = "the same of a list that has nothing of what is done"},
	{.name = "restart", .set = set_restart, .help = "run all anew; an earlier run moves to DIR.old"},
	{.name = "joblog", .argument = "FILE", .set = set_joblog, .help = "a log as GNU parallel writes it"},
	{.name = "tmpdir", .argument = "DIR", .set = set_tmpdir,
		.help = "where large outputs wait (default: TMPDIR, or /tmp)"},
	{.name = "bar", .set = set_bar, .help = "draw the progress line, terminal or not"},
	{.name = "eta", .set = set_bar, .no_variable = true},
	{.name = "progress", .set = set_bar, .no_variable = true},
	{.name = "no-bar", .set = set_no_bar, .help = "never draw it"},
	{.name = "progress-interval", .argument = "SECONDS", .set = set_progress_interval,
		.help = "between progress lines where there is no terminal (60; 0: none)"},
	{.name = "color", .argument = "WHEN", .set = set_colors,
		.help = "auto (default: on a terminal, unless NO_COLOR is set), always, never"},
	{.name = "quiet", .letter = 'q', .set = set_quiet, .help = "no progress, no summary; errors only"},

	{.group = "instead of a run",
		.name = "dry-run", .set = set_dry_run, .no_variable = true,
		.help = "print the tasks as a list that does the same"},
	{.name = "check", .set = set_check, .no_variable = true, .help = "say what is suspicious in them"},
	{.name = "count", .set = set_count, .no_variable = true, .help = "say how many there are"},
	{.name = "show-binding", .set = set_show_binding, .no_variable = true,
		.help = "print host, rank, slot, cores and NUMA node of each slot"},
	{.name = "help", .letter = 'h', .set = set_help, .no_variable = true, .help = "print this"},
	{.name = "version", .letter = 'V', .set = set_version, .no_variable = true,
		.help = "print the version and the MPI library"},
};
/* clang-format on */
const int option_rows_count = sizeof(option_rows) / sizeof(option_rows[0]);

_Static_assert(sizeof(option_rows) / sizeof(option_rows[0]) <= OPTIONS_MAX, "struct options");

const struct option_row *
option_row_named(const char *name, size_t len)
{
	for (int i = 0; i < option_rows_count; i++)
		if (strlen(option_rows[i].name) == len &&
			memcmp(option_rows[i].name, name, len) == 0)
			return &option_rows[i];
	return NULL;
}

const struct option_row *
option_row_lettered(char letter)
{
	for (int i = 0; i < option_rows_count; i++)
		if (option_rows[i].letter == letter)
			return &option_rows[i];
	return NULL;
}

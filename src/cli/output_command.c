/* Outputs from the store. */
#include "cli/output_command.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "cli/journals.h"
#include "cli/picks.h"
#include "run/manifest.h"
#include "run/reader.h"
#include "run/status.h"
#include "run/store.h"
#include "ui/text.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { EXIT_INCOMPLETE = 1, EXIT_USAGE = 2, MISSING_NAMED = 10 };

struct output_command {
	const char *run;
	const char *grep;   /* NULL: print */
	const char *export; /* NULL: print */
	bool errors;	    /* standard error too, or instead */
	bool only_failed;
	int session; /* 0: all */
	int moved;   /* the last session in which tasks had other numbers than before; 0: none */
	regex_t regex;
	char *dir;
	struct picks picks;
	uint64_t not_stored, complaints;
	bool incomplete;
	bool full; /* our own output cannot be written */
};

enum stream { STREAM_OUT, STREAM_ERR };

static const char *
name_of(const struct pick *pick, char room[TEXT_TASK_MAX])
{
	return text_task(pick->index, pick->element, strlen(pick->element), room);
}

static void
complain(struct output_command *command, const struct pick *pick, const char *text)
{
	char room[TEXT_TASK_MAX];
	if (command->complaints++ < MISSING_NAMED)
		log_error("%s: %s", name_of(pick, room), text);
	command->incomplete = true;
}

/* --- one stream of one output --- */

static struct store_range
range_of(const struct output_command *command, const struct pick *pick, enum stream stream)
{
	return (struct store_range){.name = command->picks.names[pick->name],
		.stored = {.offset = pick->stored_at, .sum = pick->stored_sum},
		.total = pick->out_bytes + pick->err_bytes,
		.skip = stream == STREAM_OUT ? 0 : pick->out_bytes,
		.len = stream == STREAM_OUT ? pick->out_bytes : pick->err_bytes};
}

static int
print_piece(void *arg, const char *data, size_t len)
{
	struct output_command *command = arg;
	command->full = fwrite(data, 1, len, stdout) < len;
	return command->full;
}

static void
print(struct output_command *command, const struct pick *pick, enum stream stream)
{
	struct err err;
	struct store_range range = range_of(command, pick, stream);
	if (store_read(command->dir, &range, print_piece, command, &err) < 0)
		complain(command, pick, err.text);
}

/* --- looking for lines --- */

struct search {
	struct output_command *command;
	uint64_t index;
	uint64_t number; /* of the line */
	struct buf line; /* so far */
};

/* The line is whole. It may have NUL bytes, which REG_STARTEND looks beyond. */
static void
match(struct search *search)
{
	struct buf *line = &search->line;
	regmatch_t part = {.rm_so = 0, .rm_eo = (regoff_t)line->len};
	search->number++;
	*buf_room(line, 1) = '\0';
	if (regexec(&search->command->regex, line->data, 1, &part, REG_STARTEND) == 0) {
		printf("%llu:%llu:", (unsigned long long)search->index,
			(unsigned long long)search->number);
		print_piece(search->command, line->data, line->len);
		putchar('\n');
	}
	buf_consume(line, line->len);
}

static int
search_piece(void *arg, const char *data, size_t len)
{
	struct search *search = arg;
	const char *newline;
	while (len && (newline = memchr(data, '\n', len))) {
		size_t part = (size_t)(newline - data);
		buf_append(&search->line, data, part);
		match(search);
		data += part + 1;
		len -= part + 1;
	}
	buf_append(&search->line, data, len);
	return search->command->full;
}

static void
grep(struct output_command *command, const struct pick *pick, enum stream stream)
{
	struct err err;
	struct search search = {.command = command, .index = pick->index};
	struct store_range range = range_of(command, pick, stream);
	if (store_read(command->dir, &range, search_piece, &search, &err) < 0)
		complain(command, pick, err.text);
	else if (search.line.len)
		match(&search);
	buf_clear(&search.line);
}

/* --- into files --- */

struct target {
	int fd;
	int error;
};

static int
write_piece(void *arg, const char *data, size_t len)
{
	struct target *target = arg;
	while (len && !target->error) {
		ssize_t put = write(target->fd, data, len);
		if (put < 0 && errno != EINTR)
			target->error = errno;
		data += put > 0 ? put : 0;
		len -= put > 0 ? (size_t)put : 0;
	}
	return target->error != 0;
}

/* A file that is there is never touched; one that did not become whole is removed. */
static void export(struct output_command *command, const struct pick *pick, enum stream stream)
{
	char path[4096];
	struct err err;
	int len = snprintf(path, sizeof(path), "%s/%llu.%s", command->export,
		(unsigned long long)pick->index, stream == STREAM_OUT ? "out" : "err");
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC;
	struct target target = {.fd = len < (int)sizeof(path) ? open(path, flags, 0666) : -1};
	if (target.fd < 0) {
		err_set_errno(&err, "%.300s", path);
		complain(command, pick, err.text);
		return;
	}
	struct store_range range = range_of(command, pick, stream);
	int got = store_read(command->dir, &range, write_piece, &target, &err);
	if (close(target.fd) < 0 && !target.error)
		target.error = errno;
	if (got == 0 && !target.error)
		return;
	errno = target.error;
	if (got == 0)
		err_set_errno(&err, "%.300s", path);
	complain(command, pick, err.text);
	unlink(path);
}

/* --- all of them --- */

/* Why there is no output of it. */
static const char *
why_not_stored(int reason)
{
	static const char *const words[RESULT_REASONS] = {
		[RESULT_SPAWN] = "the task could not be started",
		[RESULT_OUTPUT] = "it could not be kept",
		[RESULT_LOST] = "the task was lost",
	};
	return words[reason] ? words[reason] : "--output store keeps it";
}

static void
handle(struct output_command *command, const struct pick *pick)
{
	char room[TEXT_TASK_MAX];
	bool numbers = command->picks.nranges || command->export || command->grep;
	if (numbers && pick->session < command->moved) {
		complain(command, pick,
			"tasks have had other numbers since the list was changed: expected "
			"--session N with that of session N");
	} else if (!pick->stored) {
		command->incomplete = true;
		if (command->not_stored++ < MISSING_NAMED)
			log_error("%s: its output was not stored (%s)", name_of(pick, room),
				why_not_stored(pick->reason));
	} else if (command->export) {
		export(command, pick, STREAM_OUT);
		export(command, pick, STREAM_ERR);
	} else if (command->grep) {
		grep(command, pick, STREAM_OUT);
		if (command->errors)
			grep(command, pick, STREAM_ERR);
	} else {
		print(command, pick, command->errors ? STREAM_ERR : STREAM_OUT);
	}
}

/* How many tasks the session asked for, or the last one, has; 0: not known. */
static uint64_t
tasks_of(const struct output_command *command)
{
	struct status status;
	size_t count;
	int *sessions = reader_sessions(command->dir, &count);
	int session = command->session ? command->session : count ? sessions[count - 1] : 0;
	free(sessions);
	if (status_read(command->dir, &status, NULL) < 0)
		return 0;
	uint64_t tasks = status.session == session ? status.tasks : 0;
	status_clear(&status);
	return tasks;
}

/* What of RANGE the run has no tasks for is left out of *MISSING, and said. */
static void
report_beyond(const struct picks_range *range, uint64_t tasks, uint64_t *missing)
{
	if (!tasks || range->to <= tasks)
		return;
	uint64_t from = range->from > tasks ? range->from : tasks + 1;
	*missing -= range->to - from + 1;
	if (from == range->to)
		log_error("there is no task %llu: the run has tasks 1 to %llu only",
			(unsigned long long)from, (unsigned long long)tasks);
	else
		log_error("there are no tasks %llu-%llu: the run has tasks 1 to %llu only",
			(unsigned long long)from, (unsigned long long)range->to,
			(unsigned long long)tasks);
}

static void
report_missing(struct output_command *command)
{
	const struct picks *picks = &command->picks;
	uint64_t tasks = picks->nranges ? tasks_of(command) : 0;
	for (size_t i = 0; i < picks->nranges; i++) {
		const struct picks_range *range = &picks->ranges[i];
		uint64_t missing = range->to - range->from + 1 - range->found;
		if (!missing)
			continue;
		command->incomplete = true;
		report_beyond(range, tasks, &missing);
		if (!missing)
			continue;
		const char *what = picks->attempt   ? "no such attempt"
				   : command->moved ? "not ended since the list was changed "
						      "(--session N: its number in session N)"
						    : "not ended yet";
		if (range->from == range->to)
			log_error("task %llu has %s", (unsigned long long)range->from, what);
		else
			log_error("%llu of tasks %llu-%llu have %s", (unsigned long long)missing,
				(unsigned long long)range->from, (unsigned long long)range->to,
				what);
	}
	if (command->not_stored > MISSING_NAMED)
		log_error(
			"of %llu tasks in all the output was not stored (--output store keeps it)",
			(unsigned long long)command->not_stored);
	if (command->complaints > MISSING_NAMED)
		log_error("%llu outputs in all could not be read, or written",
			(unsigned long long)command->complaints);
	if (picks->hidden)
		log_warning("%llu outputs of earlier sessions are not shown: their numbers belong "
			    "to other tasks now (--session shows those of one session)",
			(unsigned long long)picks->hidden);
}

static int
read_journals(struct output_command *command, struct err *err)
{
	int got;
	struct reader_record record;
	struct journals *journals = journals_open(command->dir, command->session, err);
	if (!journals)
		return EXIT_USAGE;
	command->moved = command->session ? 0 : manifest_last_move(command->dir);
	picks_begin(&command->picks);
	while ((got = journals_next(journals, &record, err)) > 0)
		picks_add(&command->picks, &record);
	journals_warn(journals);
	command->incomplete = journals_end_damaged(journals);
	journals_free(journals);
	picks_choose(&command->picks);
	return got < 0 ? EXIT_INCOMPLETE : 0;
}

static bool
is_wanted(const struct output_command *command, const struct pick *pick)
{
	bool failed = pick->reason != RESULT_OK && pick->reason != RESULT_CANCELLED;
	return failed || !command->only_failed;
}

static int
run(struct output_command *command, struct err *err)
{
	command->dir = journals_dir(command->run, err);
	int code = command->dir ? read_journals(command, err) : EXIT_USAGE;
	if (code == 0 && command->export && mkdir(command->export, 0777) < 0 && errno != EEXIST) {
		err_set_errno(err, "--export %.300s", command->export);
		code = EXIT_USAGE;
	}
	if (code != 0)
		return code;
	for (size_t i = 0; i < command->picks.count && !command->full; i++)
		if (is_wanted(command, &command->picks.list[i]))
			handle(command, &command->picks.list[i]);
	report_missing(command);
	if (fflush(stdout) == EOF || ferror(stdout)) {
		log_error("standard output: %s", strerror(errno));
		command->incomplete = true;
	}
	return command->incomplete ? EXIT_INCOMPLETE : 0;
}

/* --- arguments --- */

static const char usage[] =
	"usage: mpbatch output [OPTION]... RUN [INDEX|FROM-TO]...\n\n"
	"Prints what tasks of a run with --output store have printed, of each its success or else\n"
	"its last attempt. RUN is a run directory, or the list it belongs to.\n\n"
	"  --stderr        their standard error instead (with --grep: too)\n"
	"  --failed        only of tasks that failed\n"
	"  --attempt N     of the N-th attempt of each\n"
	"  --session N     only what session N of the run did\n"
	"  --grep REGEX    lines that match (extended), as INDEX:LINE NUMBER:LINE\n"
	"  --export DIR    into files DIR/INDEX.out and DIR/INDEX.err\n\n"
	"Exit codes: 0; 1 an output is missing, damaged or was not stored; 2 usage, no such run.\n";

static int
take_number(const char *name, const char *text, uint64_t most, uint64_t *value, struct err *err)
{
	char *end;
	errno = 0;
	*value = strtoull(text, &end, 10);
	if (errno || *end || *text < '0' || *text > '9' || !*value || *value > most)
		return err_set(err, "option --%s: '%.100s' is not a number from 1 to %llu", name,
			text, (unsigned long long)most);
	return 0;
}

static int
take_regex(struct output_command *command, const char *text, struct err *err)
{
	char why[200];
	if (command->grep)
		regfree(&command->regex);
	command->grep = NULL;
	int error = regcomp(&command->regex, text, REG_EXTENDED);
	if (error) {
		regerror(error, &command->regex, why, sizeof(why));
		return err_set(err, "option --grep: '%.100s': %s", text, why);
	}
	command->grep = text;
	return 0;
}

static int
take_option(struct output_command *command, int found, const char *word, struct err *err)
{
	uint64_t number = 0;
	int taken = 0;
	if (found == 's')
		command->errors = true;
	else if (found == 'f')
		command->only_failed = true;
	else if (found == 'a')
		taken = take_number("attempt", optarg, UINT16_MAX, &command->picks.attempt, err);
	else if (found == 'n')
		taken = take_number("session", optarg, INT32_MAX, &number, err);
	else if (found == 'g')
		taken = take_regex(command, optarg, err);
	else if (found == 'x')
		command->export = optarg;
	else
		return err_set(err,
			"option %.100s is unknown or lacks its value (see mpbatch "
			"output --help)",
			word);
	if (found == 'n')
		command->session = (int)number;
	return taken;
}

/* 1: --help. */
static int
take_arguments(struct output_command *command, int argc, char **argv, struct err *err)
{
	static const struct option longs[] = {{"stderr", no_argument, NULL, 's'},
		{"failed", no_argument, NULL, 'f'}, {"attempt", required_argument, NULL, 'a'},
		{"session", required_argument, NULL, 'n'}, {"grep", required_argument, NULL, 'g'},
		{"export", required_argument, NULL, 'x'}, {"help", no_argument, NULL, 'h'}, {0}};
	int found;
	opterr = 0;
	optind = 0;
	while ((found = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (found == 'h')
			return 1;
		if (take_option(command, found, argv[optind - 1], err) < 0)
			return -1;
	}
	if (optind == argc)
		return err_set(err, "no run: expected mpbatch output [OPTION]... RUN [INDEX]...");
	if (command->export && (command->grep || command->errors))
		return err_set(err,
			"--export writes all of both streams: expected no --grep and no "
			"--stderr with it");
	command->run = argv[optind++];
	for (; optind < argc; optind++)
		if (picks_want(&command->picks, argv[optind], err) < 0)
			return -1;
	return 0;
}

int
output_main(int argc, char **argv)
{
	struct output_command command = {0};
	struct err err = {""};
	int taken = take_arguments(&command, argc, argv, &err), code = 0;
	if (taken > 0)
		fputs(usage, stdout);
	else
		code = taken < 0 ? EXIT_USAGE : run(&command, &err);
	if (err.text[0] && code)
		log_error("%s", err.text);
	if (command.grep)
		regfree(&command.regex);
	picks_clear(&command.picks);
	free(command.dir);
	return code;
}

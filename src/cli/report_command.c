/* Tables over the journals. */
#include "cli/report_command.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "cli/joined.h"
#include "cli/journals.h"
#include "cli/tables.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXIT_BROKEN = 1, EXIT_USAGE = 2, BLOCK_BYTES = 1 << 16 };

struct report_command {
	const char *run;
	enum { SHOW_TABLES, SHOW_CSV, SHOW_JSON } show;
};

static void
write_out(struct buf *buf)
{
	fwrite(buf->data, 1, buf->len, stdout);
	buf_consume(buf, buf->len);
}

static int
show_joined(struct journals *journals, enum joined_format format, struct err *err)
{
	struct buf buf = {0};
	struct reader_record record;
	bool is_first = true;
	int got;
	joined_begin(&buf, format);
	while ((got = journals_next(journals, &record, err)) > 0 && !ferror(stdout)) {
		joined_add(&buf, format, &record, is_first);
		is_first = false;
		if (buf.len > BLOCK_BYTES)
			write_out(&buf);
	}
	joined_end(&buf, format);
	write_out(&buf);
	buf_clear(&buf);
	return got < 0 ? -1 : 0;
}

static int
show_tables(struct journals *journals, struct err *err)
{
	struct buf buf = {0};
	struct reader_record record;
	struct tables *tables = tables_new();
	int got;
	while ((got = journals_next(journals, &record, err)) > 0)
		tables_add(tables, &record);
	tables_print(tables, &buf, journals_count(journals));
	write_out(&buf);
	buf_clear(&buf);
	tables_free(tables);
	return got;
}

static int
run(const struct report_command *command, struct err *err)
{
	char *dir = journals_dir(command->run, err);
	struct journals *journals = dir ? journals_open(dir, 0, err) : NULL;
	free(dir);
	if (!journals)
		return EXIT_USAGE;
	int got = command->show == SHOW_TABLES ? show_tables(journals, err)
		  : command->show == SHOW_CSV  ? show_joined(journals, JOINED_CSV, err)
					       : show_joined(journals, JOINED_JSON, err);
	journals_warn(journals);
	journals_free(journals);
	if (got == 0 && (fflush(stdout) == EOF || ferror(stdout)))
		got = err_set_errno(err, "standard output");
	return got < 0 ? EXIT_BROKEN : 0;
}

/* --- arguments --- */

static const char usage[] =
	"usage: mpbatch report [--csv|--json] RUN\n\n"
	"Prints tables of what the tasks of a run took, and where. RUN is a run directory, or the\n"
	"list it belongs to.\n\n"
	"  --csv    instead, the records of all sessions, one line each\n"
	"  --json   the same as one array of objects\n\n"
	"Exit codes: 0; 1 a journal cannot be read to its end; 2 usage, no such run.\n";

/* 1: --help. */
static int
take_arguments(struct report_command *command, int argc, char **argv, struct err *err)
{
	static const struct option longs[] = {{"csv", no_argument, NULL, 'c'},
		{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
	int found;
	opterr = 0;
	optind = 0;
	while ((found = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (found == 'h')
			return 1;
		if (found == '?')
			return err_set(err, "option %.100s is unknown (see mpbatch report --help)",
				argv[optind - 1]);
		command->show = found == 'c' ? SHOW_CSV : SHOW_JSON;
	}
	if (argc - optind != 1)
		return err_set(err, "expected one run: mpbatch report [--csv|--json] RUN");
	command->run = argv[optind];
	return 0;
}

int
report_main(int argc, char **argv)
{
	struct report_command command = {.show = SHOW_TABLES};
	struct err err = {""};
	int taken = take_arguments(&command, argc, argv, &err), code = 0;
	if (taken > 0)
		fputs(usage, stdout);
	else
		code = taken < 0 ? EXIT_USAGE : run(&command, &err);
	if (code)
		log_error("%s", err.text);
	return code;
}

/* The options: one row each, for the command line, the environment and --help. */
#ifndef CLI_OPTION_ROWS_H
#define CLI_OPTION_ROWS_H

#include "cli/options.h"

enum option_argument { ARGUMENT_NONE, ARGUMENT_NEEDED, ARGUMENT_OPTIONAL };

struct option_row {
	const char *name;
	char letter;	      /* 0: none */
	const char *argument; /* what --help calls it; NULL: a switch */
	bool may_lack_argument;
	bool no_variable;   /* not taken from the environment */
	const char *group;  /* a headline of --help before this row */
	const char *help;   /* NULL: another name of a row above, not shown */
	const char *filler; /* a word that may stand behind a switch, and says nothing */
	/* VALUE is NULL or "" for a switch that is given. Returns what was expected, NULL if fine.
	 */
	const char *(*set)(struct options *options, const char *value);
};

extern const struct option_row option_rows[];
extern const int option_rows_count;

/* The row of a name of LEN bytes, or of a letter; NULL if there is none. */
const struct option_row *option_row_named(const char *name, size_t len);
const struct option_row *option_row_lettered(char letter);

/* Adds an input of rows. */
void options_add_input(struct options *options, const struct rows_input *input);

#endif

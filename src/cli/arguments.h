/* Options as they stand on the command line: "--name VALUE", "--name=VALUE", "-n VALUE", "-nVALUE",
 * several letters behind one dash. A name is taken exactly as it is written. */
#ifndef CLI_ARGUMENTS_H
#define CLI_ARGUMENTS_H

#include <stdbool.h>

struct err;
struct options;

struct arguments {
	int argc;
	char **argv;
	int at;	     /* the next one to be looked at */
	bool dashes; /* "--" has ended the options */
};

/* Takes options up to the first word that is none, and "--" if that is there. Returns 0, or -1 with
 * ERR, which names the option and what was expected. */
int arguments_take(struct arguments *arguments, struct options *options, struct err *err);

#endif

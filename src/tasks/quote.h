/* Quoting for the shell. */
#ifndef TASKS_QUOTE_H
#define TASKS_QUOTE_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/* Appends TEXT as one word: as it is where no shell would do anything to it, else in single quotes
 * ('' for an empty one). Any byte but NUL. */
void quote_word(struct buf *buf, const char *text, size_t len);

/* Appends TEXT to what stands in quotes already, which are QUOTE: ' or ". */
void quote_inside(struct buf *buf, const char *text, size_t len, char quote);

/* Appends a command as one line of a task list that does the same: as it is, or, where it holds a
 * newline, ends in CR, is blank or begins like a comment, as an eval of a printf of it. */
void quote_line(struct buf *buf, const char *command, size_t len);

/*
 * What is open at a place in a command line, for text that is to be put there. Zero-initialised is
 * the start of a line. It knows quotes, backquotes, $( ), comments and backslashes; at "<<" it
 * gives up and says 0 from there on, as no quoting would help in a here-document.
 */
struct quote_context {
	char open[64]; /* innermost last: ' " ` ( # */
	size_t depth;
	char before;  /* the byte before this place */
	bool escaped; /* by a backslash, which is that byte */
	bool lost;
};

void quote_follow(struct quote_context *context, const char *text, size_t len);

/* ' or ", ` (however deep), # in a comment, \ behind a backslash; 0: none of them. */
char quote_open(const struct quote_context *context);

#endif

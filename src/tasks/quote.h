/* Quoting for the shell. */
#ifndef TASKS_QUOTE_H
#define TASKS_QUOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* Appends TEXT as one word: as it is where no shell would do anything to it, else in single quotes
 * ('' for an empty one). Any byte but NUL. */
void quote_word(struct buf *buf, const char *text, size_t len);

/* Appends TEXT in single quotes, whatever it is. */
void quote_always(struct buf *buf, const char *text, size_t len);

/* May C be in the name of a variable? */
bool quote_is_name_byte(char c);

/* How long the NAME= is that TEXT begins with, which would make it an assignment where a command is
 * expected; 0: none. */
size_t quote_assignment(const char *text, size_t len);

/* Appends TEXT to what stands in quotes already, which are QUOTE: ' or ". */
void quote_inside(struct buf *buf, const char *text, size_t len, char quote);

/* Appends a command as one line of a task list that does the same: as it is, or, where it holds a
 * newline, ends in CR, is blank or begins like a comment, as an eval of a printf of it. */
void quote_line(struct buf *buf, const char *command, size_t len);

/*
 * What is open at a place in a command line, for text that is to be put there. Zero-initialised is
 * the start of a line. It knows quotes, backquotes, $( ), ${ }, $(( )), comments, backslashes and
 * here-documents, and when it does not know.
 */
struct quote_context {
	/* Innermost last: ' " ` # ( and ${ $' $(( as { $ +. */
	char open[64];
	size_t depth;
	unsigned braces; /* not closed in this word, of bash's {a,b} */
	bool bracket;	 /* a [ in this word, of a pattern, is not closed */
	bool name;	 /* this place is right behind $NAME, which another letter would change */
	uint64_t tail;	 /* the last bytes before this place, the last one lowest */
	bool escaped;	 /* by a backslash, which is the last one */
	bool lost;	 /* from here on nothing is known */
	enum { HERE_NONE, HERE_WORD, HERE_LINE, HERE_BODY } here; /* how far a here-document is */
	bool here_tabs;	   /* tabs may stand before its end */
	char here_end[64]; /* the line that ends it */
	size_t here_len;   /* of that */
	size_t here_at;	   /* bytes of this line that are as in it; SIZE_MAX: another line; of its
			    * word: has it begun? */
};

void quote_follow(struct quote_context *context, const char *text, size_t len);

/* 0: nothing, a word can stand here; ' or ": in these quotes. Elsewhere no quoting makes data of a
 * value: ` in backquotes (however deep), # in a comment, \ behind a backslash, { in ${ } in quotes,
 * + in $(( )), $ in $' ', < in a here-document, ? where it is not known. */
char quote_open(const struct quote_context *context);

#endif

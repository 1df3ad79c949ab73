/*
 * Templates: text with placeholders, which a row and the task's index fill.
 *
 *   {}        all values of the row, a blank between two; as a word of its own it is several
 *   {2} {name}  one value
 *   {.} {/} {//} {/.}  {} without extension, its last component, its directory, its last component
 *             without extension, as GNU parallel has them; {2.} {name/} ... of one value
 *   {=} {=2} {=name.}  unquoted, for values that are several words or shell syntax themselves
 *   {#}       index of the task; {0#} with leading zeros, as wide as the last index
 *   {%}       slot: "$MPBATCH_SLOT", only in commands
 *   {{        a brace
 *
 * A "{" directly after "$" is the shell's. A column whose name is what stands between the braces
 * goes first. {} of rows without columns is unknown.
 */
#ifndef TASKS_TEMPLATE_H
#define TASKS_TEMPLATE_H

#include "tasks/row.h"

#include <stdbool.h>

struct buf;
struct err;
struct template;

enum template_kind {
	/*
	 * A command from its words, for the shell, each value quoted as one word. The words are a
	 * command line, joined by blanks, as GNU parallel does; or, with ARGV, several words are
	 * just those of the program, each quoted as a whole. With APPEND, and if there is no
	 * placeholder at all, the values are appended as further words.
	 *
	 * In a command line a value may stand in the user's own quotes, "{}" or '{}', and is
	 * escaped to be as much data there. Where that cannot be (see quote_open()) it is an error.
	 */
	TEMPLATE_COMMAND,
	TEMPLATE_TEXT, /* one word, values as they are: paths, tags, variables */
};

struct template_options {
	enum template_kind kind;
	const char *what; /* for messages: "the command template", "option --cwd" */
	const char *const *words;
	size_t nwords;
	bool argv;
	bool append;
	const char *apart;	       /* a column of this name is not appended; NULL: all are */
	const struct columns *columns; /* only used while parsing */
	/* Appends to what is said of the unknown placeholder NAME. NULL: nothing. */
	void (*hint)(void *arg, const char *name, size_t len, struct buf *buf);
	void *arg; /* of hint() */
};

/* NULL with ERR: an unknown placeholder (with the known ones), an unclosed brace, a value where
 * none can stand, a word of an argv that only a shell would take for what it looks like. */
struct template *template_parse(const struct template_options *options, struct err *err);
void template_free(struct template *template);

bool template_needs_count(const struct template *template); /* has {0#} */
bool template_has_index(const struct template *template);   /* has {#} or {0#} */
bool template_tells_index(const struct template *template); /* which index can be told from it */
bool template_has_value(const struct template *template);   /* has {}, {2}, {name}... */

/* Appends it, filled. COUNT is the number of tasks, for {0#} alone. INDEX 0 leaves "{#}" there. */
void template_render(const struct template *template, const struct row *row, uint64_t index,
	uint64_t count, struct buf *out);

#endif

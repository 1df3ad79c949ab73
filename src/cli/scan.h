/*
 * A shell command taken apart as far as --check looks at it: which words are commands, where input
 * comes from and output goes, and what is not closed. A here-document ends the scan; what stands in
 * backquotes, in an arithmetic expression or in a list of an array is passed over.
 */
#ifndef CLI_SCAN_H
#define CLI_SCAN_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

enum scan_kind {
	SCAN_COMMAND,  /* where a command's name stands: that, an assignment or a reserved word */
	SCAN_FUNCTION, /* the name of a function that is defined */
	SCAN_INPUT,    /* the file of "<" */
	SCAN_OUTPUT,   /* of ">", "2>", "&>" or ">|" */
	SCAN_APPEND,   /* of ">>" or "<>" */
	SCAN_OPEN,  /* what is not closed: ' " ` ( { << [[ if case for, a backslash at the end... */
	SCAN_CLOSE, /* what closes nothing: ) } fi done */
};

struct scan_item {
	enum scan_kind kind;
	const char *word; /* in the text, with its quotes */
	size_t len;
	size_t column; /* in the text, from 1 */
};

/* Calls FOUND for each; the last two kinds end the scan. */
void scan_command(const char *text, size_t len,
	void (*found)(void *context, const struct scan_item *item), void *context);

/* Appends the word without its quotes. False if only a shell knows what it is. */
bool scan_literal(const char *word, size_t len, struct buf *buf);

#endif

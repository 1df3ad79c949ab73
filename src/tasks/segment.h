/* Segments: the pieces of a template, each text or what is to be filled in. */
#ifndef TASKS_SEGMENT_H
#define TASKS_SEGMENT_H

#include "tasks/row.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* VALUES: all of the row; PADDED: the number with leading zeros. */
enum segment_kind { SEGMENT_TEXT, SEGMENT_VALUE, SEGMENT_VALUES, SEGMENT_INDEX, SEGMENT_PADDED };
/* What is taken of a path: see template.h. */
enum segment_op {
	SEGMENT_OP_NONE,
	SEGMENT_OP_STEM,
	SEGMENT_OP_NAME,
	SEGMENT_OP_DIR,
	SEGMENT_OP_NAME_STEM
};
/* By what is open in the shell's words where it stands: {, [ and quotes. */
enum segment_quoting {
	SEGMENT_QUOTING_NONE,
	SEGMENT_QUOTING_WORD,
	SEGMENT_QUOTING_BRACES,
	SEGMENT_QUOTING_BRACKET,
	SEGMENT_QUOTING_SINGLE,
	SEGMENT_QUOTING_DOUBLE,
};

struct segment {
	enum segment_kind kind;
	enum segment_op op;
	enum segment_quoting quoting;
	bool name;	 /* behind $NAME, which it must not make longer */
	bool descriptor; /* before < or >, of which it must not become the descriptor */
	size_t at;	 /* of TEXT: where in the template's; of VALUE: which */
	size_t len;	 /* of TEXT */
};

/* Appends SEGMENT, which is no text, filled from ROW; see template_render(). */
void segment_render(const struct segment *segment, const struct row *row, uint64_t index,
	uint64_t count, struct buf *out);

#endif

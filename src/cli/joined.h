/*
 * Records for other programs, escapes undone, by the journal's column names (its check sum is left
 * out): CSV (RFC 4180), or one JSON array of objects.
 */
#ifndef CLI_JOINED_H
#define CLI_JOINED_H

#include <stdbool.h>

struct buf;
struct reader_record;

enum joined_format { JOINED_CSV, JOINED_JSON };

void joined_begin(struct buf *buf, enum joined_format format);
void joined_add(struct buf *buf, enum joined_format format, const struct reader_record *record,
	bool is_first);
void joined_end(struct buf *buf, enum joined_format format);

/* Appends a JSON string; what is no UTF-8 becomes U+FFFD. */
void joined_json_string(struct buf *buf, const char *text, unsigned long len);

#endif

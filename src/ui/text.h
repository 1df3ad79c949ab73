/* Numbers as people read them, and on what. */
#ifndef UI_TEXT_H
#define UI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

enum { TEXT_MAX = 16, TEXT_TASK_MAX = 64 };

/* "750 us", "12.3 ms", "1.25 s", "12.3 s", "4m05s", "1h02m", "3d04h". Negative: "?". */
const char *text_duration(double seconds, char room[TEXT_MAX]);

/* "512 B", "1.5 KiB", "3.2 GiB". */
const char *text_bytes(uint64_t bytes, char room[TEXT_MAX]);

/* "999", "12.3k", "4.56M". */
const char *text_count(uint64_t count, char room[TEXT_MAX]);

/* "0.33/h", "5.6/min", "0.12/s", "1234/s". */
const char *text_rate(double per_s, char room[TEXT_MAX]);

/* "25 %", with TENTHS "25.0 %", rounded down: 100 only for all. ALL is not 0. */
const char *text_percent(uint64_t done, uint64_t all, bool tenths, char room[TEXT_MAX]);

/* What a task is called: "task 12", or "element 33 (task 12)" with its ELEMENT of an array, LEN
 * digits. */
const char *text_task(uint64_t index, const char *element, size_t len, char room[TEXT_TASK_MAX]);

/* The columns of the terminal that FD is, 80 if it does not say; 0: FD is none. */
int text_width(int fd);

/* Appends the line of TEXT, LEN bytes without a newline, broken at blanks where it is wider than
 * WIDTH columns, colours not counted; what follows such a break is indented. Less than 40 columns,
 * and 0: as it is. */
void text_wrap(struct buf *buf, const char *text, size_t len, int indent, int width);

/* True if FD is a terminal on which a line can be drawn anew (TERM is not "dumb"). */
bool text_can_redraw(int fd);

#endif

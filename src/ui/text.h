/* Numbers as people read them, and on what. */
#ifndef UI_TEXT_H
#define UI_TEXT_H

#include <stdbool.h>

#include <stdint.h>

enum { TEXT_MAX = 16 };

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

/* True if FD is a terminal on which a line can be drawn anew (TERM is not "dumb"). */
bool text_can_redraw(int fd);

#endif

/*
 * Failures by what they share: reason, exit code or signal, and the last line of standard error
 * with its numbers left out; a host that most of a group share is named. Bounded: GROUPS_MAX groups
 * are told apart, the rest is only counted.
 */
#ifndef UI_GROUPS_H
#define UI_GROUPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct groups;
struct result;

enum { GROUPS_MAX = 300, GROUPS_SHOWN = 10 };

struct groups_failure {
	const struct result *result;
	uint64_t line;	     /* of the list, 0: not known */
	const char *element; /* of an array, ELEMENT_LEN digits */
	size_t element_len;
	const char *host;
	size_t host_len;
	const char *command;
	size_t command_len;
	const char *tail; /* the end of its standard error */
	size_t tail_len;
};

struct groups *groups_new(void);
void groups_free(struct groups *groups);

/* Everything is copied; commands and tails are cut. */
void groups_add(struct groups *groups, const struct groups_failure *failure);

uint64_t groups_count(const struct groups *groups);

/* Appends the largest, each with an example; the whole is lines that begin with two blanks. NOUN is
 * what was counted, "tasks" or "attempts". */
void groups_print(struct groups *groups, const char *noun, struct buf *buf);

/* True for what counts as a failure. */
bool groups_is_failure(const struct result *result);

#endif

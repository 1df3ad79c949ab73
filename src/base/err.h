/*
 * An error on its way up: leaf functions fill it and return -1, callers wrap it with context, and
 * one place prints it. It holds its text, so there is nothing to free.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

struct err {
	char text[512];
};

/* Sets the text of ERR, printf-like, and returns -1. ERR may be NULL. */
int err_set(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* As err_set(), followed by ": " and the description of errno as it was on entry. */
int err_set_errno(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "TEXT: " in front of what ERR says, and returns -1. */
int err_wrap(struct err *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

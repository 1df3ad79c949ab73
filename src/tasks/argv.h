/*
 * Words that a program is to get as they are. Who writes a shell's operator or assignment among
 * them means a shell, which does not see them: an error, with the line to write instead.
 */
#ifndef TASKS_ARGV_H
#define TASKS_ARGV_H

#include <stddef.h>

struct err;

/* 0, or -1 with ERR: WHAT, the word and the line. */
int argv_check(const char *what, const char *const *words, size_t nwords, struct err *err);

#endif

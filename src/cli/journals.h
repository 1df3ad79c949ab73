/*
 * The records of a run directory, of all its sessions one after the other: what the subcommands
 * read. A journal that is being written is read as far as it goes.
 */
#ifndef CLI_JOURNALS_H
#define CLI_JOURNALS_H

#include "run/reader.h"

struct buf;
struct err;
struct journals;

/* The run directory that RUN names: itself, or a list that has LIST.mpbatch. A new string, or NULL
 * with ERR, and with errno ENOENT if there is none. */
char *journals_dir(const char *run, struct err *err);

/* Appends the command that goes on with the run in DIR, as a shell takes it. */
void journals_resume_command(struct buf *buf, const char *dir);

/* All sessions of DIR, or only SESSION if that is not 0. NULL with ERR if there is none. */
struct journals *journals_open(const char *dir, int session, struct err *err);
void journals_free(struct journals *journals);

/* 1: RECORD is filled, valid until the next call; 0: the end; -1 with ERR. */
int journals_next(struct journals *journals, struct reader_record *record, struct err *err);

/* Warns if damaged lines were passed over so far. */
void journals_warn(const struct journals *journals);

/* True if the last one that was read has damaged lines: no later session has done again what they
 * said. */
bool journals_end_damaged(const struct journals *journals);

/* How many sessions there are. */
size_t journals_count(const struct journals *journals);

#endif

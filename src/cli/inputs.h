/* The files that a run itself reads or writes. A task, or the run, that writes one of them destroys
 * it. */
#ifndef CLI_INPUTS_H
#define CLI_INPUTS_H

#include <stddef.h>
#include <sys/types.h>

struct err;
struct options;

/* Known by device and inode, whatever leads to it, or by its path where it is not there yet. */
struct inputs_file {
	dev_t device;
	ino_t inode;	  /* 0: not there */
	const char *path; /* as it was given; NULL: standard input */
	const char *what; /* of the run: "task list" */
};

struct inputs {
	struct inputs_file *files;
	size_t count;
};

/* The task list and the files of values of OPTIONS, which must outlive them. Clear with
 * inputs_clear(). */
void inputs_init(struct inputs *inputs, const struct options *options);
void inputs_clear(struct inputs *inputs);

/* One more, PATH, which is the run's WHAT; both must outlive them. What is there and no regular
 * file is left out. */
void inputs_add(struct inputs *inputs, const char *path, const char *what);

/* 0 if PATH, which is to be written, is none of them; else -1 with ERR, which begins with WHO. */
int inputs_check(const struct inputs *inputs, const char *who, const char *path, struct err *err);

/* What inputs_check() says of PATH where it is FILE. */
int inputs_refuse(
	const struct inputs_file *file, const char *who, const char *path, struct err *err);

#endif

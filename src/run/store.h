/*
 * The output store: each slot appends its tasks' outputs to one file of its own in the run
 * directory, "output.SESSION.RANK.SLOT", a task's standard output and directly behind it its
 * standard error. Only the journal says where an output is: what it does not name was never
 * finished. The file is made with the first byte.
 */
#ifndef RUN_STORE_H
#define RUN_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct store;

#define STORE_NAME_MAX 64

/* Where an output is, as the journal has it. */
struct stored {
	uint64_t offset;
	uint64_t sum; /* store_hash() of all its bytes, both streams */
};

/* The hash over bytes that come in pieces, from 0; POSITION is how many came before. Fast (GB/s)
 * and independent of how they are cut; says nothing of the length. */
uint64_t store_hash(uint64_t sum, uint64_t position, const char *data, size_t len);

char *store_name(int session, int rank, int slot, char room[STORE_NAME_MAX]);

/* NAME, of LEN bytes, is one that store_name() makes: what a journal says may be anybody's. */
bool store_is_name(const char *name, size_t len);

/* --- writing: the slot's executor --- */

/* RUN_DIR must be there when the first byte is written. What an executor of this slot that has died
 * left in the file stays. */
struct store *store_new(const char *run_dir, int session, int rank, int slot);

/* Adds to the output at hand. -1 with ERR and errno (full disk): then store_drop() it. */
int store_write(struct store *store, const char *data, size_t len, struct err *err);

/* The output at hand is whole. */
struct stored store_end(struct store *store);

/* Takes back what was written of the output at hand. */
void store_drop(struct store *store);

/* fdatasync(2), if anything was written since; call it about once a second and at the end. -1 with
 * ERR and errno, also if others have removed or moved the file; the next call tries again. */
int store_sync(struct store *store, struct err *err);
void store_free(struct store *store);

/* --- reading --- */

/*
 * Checks the sum of the whole output first, then gives the wanted part of it to TAKE, piece by
 * piece; if that returns other than 0 it gets no more. Returns 0, or -1 with ERR: missing, short,
 * or other bytes. An output without bytes needs no file.
 */
struct store_range {
	const char *name; /* of the file in RUN_DIR */
	struct stored stored;
	uint64_t total; /* bytes of both streams: what the sum is over */
	uint64_t skip;	/* of them before the part that is wanted */
	uint64_t len;	/* of that part */
};
int store_read(const char *run_dir, const struct store_range *range,
	int (*take)(void *arg, const char *data, size_t len), void *arg, struct err *err);

/* Only the check: 0 if the output is there and its sum is right. */
int store_verify(const char *run_dir, const char *name, struct stored stored, uint64_t total,
	struct err *err);

#endif

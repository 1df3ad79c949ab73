/*
 * Outputs that must wait for those before them (--keep-order), on disk: an unlinked file of pieces
 * and another of where each output's pieces begin, so that next to nothing is in memory however
 * long the first task takes. The disk gets its room back as they are taken, where its file system
 * can do that.
 *
 * Outputs are numbered from 0 without gaps. One is added at a time: order_add() for its pieces,
 * order_end(). They are taken in order: order_take() until it says that the next is not there yet.
 */
#ifndef MASTER_ORDER_H
#define MASTER_ORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct order;

/* NULL with ERR if TMPDIR takes no files. */
struct order *order_new(const char *tmpdir, struct err *err);
void order_free(struct order *order);

/* The number whose turn it is. */
uint64_t order_turn(const struct order *order);

/* True if output NUMBER need not wait: it is its turn, and nothing of it lies here. */
bool order_is_turn(const struct order *order, uint64_t number);

/* That one went past us, or will never come. */
void order_passed(struct order *order);

/* STREAM is 0 or 1. -1 with ERR: the disk. */
int order_add(struct order *order, int stream, const char *data, size_t len, struct err *err);
int order_end(struct order *order, uint64_t number, struct err *err);

/* Forgets the pieces of the one that is being added. */
void order_drop(struct order *order);

/* Appends the next piece to *TO[stream], about 64 KiB at most. 1: did; 0: the one whose turn it is
 * is not here; -1: ERR. */
int order_take(struct order *order, struct buf *to[2], struct err *err);

/* True while outputs are here. */
bool order_holds(const struct order *order);

#endif

/*
 * Outputs on rank 0's disk, piece by piece: a file without a name in which they are added at the
 * end, and from which they are taken in any order. The disk gets its room back as they are taken, a
 * segment at a time, where its file system can do that.
 */
#ifndef MASTER_PIECES_H
#define MASTER_PIECES_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct pieces;

/* A file without a name in TMPDIR; -1 with errno. */
int pieces_open_unnamed(const char *tmpdir);

/* NULL with errno if TMPDIR takes no files. */
struct pieces *pieces_new(const char *tmpdir);
void pieces_free(struct pieces *pieces);

/* Adds at the end; STREAM is 0 or 1. Returns how many bytes were added: fewer than LEN, with errno,
 * where the disk takes no more. */
size_t pieces_add(struct pieces *pieces, int stream, const char *data, size_t len);

/* Where the next piece will be. */
uint64_t pieces_end(const struct pieces *pieces);

/* Appends the piece at *AT to *TO[stream], about 64 KiB at most, and moves *AT behind it. -1 with
 * errno. */
int pieces_take(struct pieces *pieces, uint64_t *at, struct buf *to[2]);

/* All were taken, and the next will be at 0; -1 if that cannot be. */
int pieces_restart(struct pieces *pieces);

/* write(2) and read(2) of all LEN bytes at OFFSET; -1 with errno, and 0 for a read means that the
 * file ends before. */
int pieces_write_at(int fd, const void *data, size_t len, uint64_t offset);
int pieces_read_at(int fd, void *data, size_t len, uint64_t offset);

#endif

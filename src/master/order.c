/* Outputs on disk until it is their turn. */
#include "master/order.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <unistd.h>

/* No piece crosses the border of a segment: one whose pieces are all taken goes back to the disk.
 */
enum { PIECE_BYTES = 64 * 1024, SEGMENT_BYTES = 4 << 20 };

/* Where an output is; all zero for one that is not here (a hole in the file). */
struct place {
	uint64_t offset;
	uint64_t end;
	uint64_t here;
};

struct piece {
	uint32_t stream;
	uint32_t len;
};

struct order {
	int pieces_fd, places_fd;
	uint64_t end;	/* of the pieces */
	uint64_t begin; /* of the output that is being added */
	uint64_t turn;
	uint64_t held;	  /* outputs that are here */
	uint32_t *pieces; /* of each segment: those that were not taken yet */
	size_t segments;
	struct place taken; /* what is left of the one whose turn it is; HERE if begun */
};

static int
open_unlinked(const char *tmpdir)
{
	struct buf path = {0};
	buf_printf(&path, "%s/mpbatch-order-XXXXXX%c", tmpdir, 0);
	int fd = mkostemp(path.data, O_CLOEXEC);
	if (fd >= 0)
		unlink(path.data);
	buf_clear(&path);
	return fd;
}

struct order *
order_new(const char *tmpdir, struct err *err)
{
	struct order *order = xcalloc(1, sizeof(*order));
	order->pieces_fd = open_unlinked(tmpdir);
	order->places_fd = open_unlinked(tmpdir);
	if (order->pieces_fd >= 0 && order->places_fd >= 0)
		return order;
	err_set_errno(err, "%s: cannot make a file for outputs that wait for their turn", tmpdir);
	order_free(order);
	return NULL;
}

void
order_free(struct order *order)
{
	if (!order)
		return;
	if (order->pieces_fd >= 0)
		close(order->pieces_fd);
	if (order->places_fd >= 0)
		close(order->places_fd);
	free(order->pieces);
	free(order);
}

uint64_t
order_turn(const struct order *order)
{
	return order->turn;
}

bool
order_is_turn(const struct order *order, uint64_t number)
{
	return number == order->turn && !order->taken.here && order->begin == order->end;
}

bool
order_holds(const struct order *order)
{
	return order->held;
}

static int
write_at(int fd, const void *data, size_t len, uint64_t offset)
{
	const char *at = data;
	while (len) {
		ssize_t put = pwrite(fd, at, len, (off_t)offset);
		if (put < 0 && errno != EINTR)
			return -1;
		if (put > 0) {
			at += put;
			len -= (size_t)put;
			offset += (uint64_t)put;
		}
	}
	return 0;
}

/* Fewer than LEN only at the end of the file. */
static ssize_t
read_at(int fd, void *data, size_t len, uint64_t offset)
{
	size_t got = 0;
	while (got < len) {
		ssize_t n = pread(fd, (char *)data + got, len - got, (off_t)(offset + got));
		if (n < 0 && errno != EINTR)
			return -1;
		if (n == 0)
			break;
		if (n > 0)
			got += (size_t)n;
	}
	return (ssize_t)got;
}

static int
failed(struct err *err)
{
	return err_set_errno(err, "cannot keep outputs that wait for their turn");
}

/* --- segments --- */

/* The disk gets its room back, unless something of it is still needed. Where the file system cannot
 * do that it stays taken until all are through. */
static void
give_back(struct order *order, uint64_t segment)
{
	if (!order->pieces[segment] && segment != order->end / SEGMENT_BYTES)
		fallocate(order->pieces_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			(off_t)(segment * SEGMENT_BYTES), SEGMENT_BYTES);
}

static void
count_piece(struct order *order, uint64_t segment)
{
	if (segment >= order->segments) {
		order->pieces = xrealloc(order->pieces, (segment + 1) * sizeof(*order->pieces));
		while (order->segments <= segment)
			order->pieces[order->segments++] = 0;
	}
	order->pieces[segment]++;
}

/* Where a piece begins, at OFFSET or in the segment behind it, and how many bytes it may have. */
static uint64_t
piece_at(uint64_t offset, size_t *room)
{
	uint64_t left = SEGMENT_BYTES - offset % SEGMENT_BYTES;
	if (left <= sizeof(struct piece)) {
		offset += left;
		left = SEGMENT_BYTES;
	}
	*room = left - sizeof(struct piece);
	return offset;
}

/* --- in --- */

static int
add_piece(struct order *order, int stream, const char *data, size_t len)
{
	size_t room;
	uint64_t at = piece_at(order->end, &room);
	struct piece piece = {
		.stream = (uint32_t)stream, .len = (uint32_t)(len < room ? len : room)};
	if (write_at(order->pieces_fd, &piece, sizeof(piece), at) < 0 ||
		write_at(order->pieces_fd, data, piece.len, at + sizeof(piece)) < 0)
		return -1;
	uint64_t before = order->end / SEGMENT_BYTES;
	count_piece(order, at / SEGMENT_BYTES);
	order->end = at + sizeof(piece) + piece.len;
	if (before != order->end / SEGMENT_BYTES && before < order->segments)
		give_back(order, before);
	return (int)piece.len;
}

int
order_add(struct order *order, int stream, const char *data, size_t len, struct err *err)
{
	while (len) {
		int put = add_piece(order, stream, data, len < PIECE_BYTES ? len : PIECE_BYTES);
		if (put < 0)
			return failed(err);
		data += put;
		len -= (size_t)put;
	}
	return 0;
}

int
order_end(struct order *order, uint64_t number, struct err *err)
{
	struct place place = {.offset = order->begin, .end = order->end, .here = 1};
	if (write_at(order->places_fd, &place, sizeof(place), number * sizeof(place)) < 0)
		return failed(err);
	order->begin = order->end;
	order->held++;
	return 0;
}

void
order_drop(struct order *order)
{
	order->begin = order->end;
}

/* --- out --- */

void
order_passed(struct order *order)
{
	order->turn++;
	if (order->held || order->begin != order->end || !order->end)
		return;
	/* All are through: the disk gets its room back. */
	if (ftruncate(order->pieces_fd, 0) < 0 || ftruncate(order->places_fd, 0) < 0)
		return;
	order->begin = order->end = order->segments = 0;
}

/* Looks for the one whose turn it is. */
static int
find_turn(struct order *order, struct err *err)
{
	if (order->taken.here)
		return 1;
	struct place place = {0};
	if (!order->held)
		return 0;
	if (read_at(order->places_fd, &place, sizeof(place), order->turn * sizeof(place)) < 0)
		return failed(err);
	order->taken = place;
	return place.here != 0;
}

int
order_take(struct order *order, struct buf *to[2], struct err *err)
{
	int found = find_turn(order, err);
	if (found <= 0)
		return found;
	struct place *taken = &order->taken;
	if (taken->offset == taken->end) {
		*taken = (struct place){0};
		order->held--;
		order_passed(order);
		return 1;
	}
	struct piece piece;
	size_t room;
	uint64_t at = piece_at(taken->offset, &room);
	if (read_at(order->pieces_fd, &piece, sizeof(piece), at) != (ssize_t)sizeof(piece))
		return failed(err);
	struct buf *buf = to[piece.stream & 1];
	if (read_at(order->pieces_fd, buf_room(buf, piece.len), piece.len, at + sizeof(piece)) !=
		(ssize_t)piece.len)
		return failed(err);
	buf_added(buf, piece.len);
	taken->offset = at + sizeof(piece) + piece.len;
	order->pieces[at / SEGMENT_BYTES]--;
	give_back(order, at / SEGMENT_BYTES);
	return 1;
}

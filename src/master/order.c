/* Outputs on disk until it is their turn. */
#include "master/order.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIECE_BYTES = 64 * 1024 };

/* Where an output is; all zero for one that is not here (a hole in the file). */
struct place {
	uint64_t offset;
	uint64_t len;
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
	uint64_t held;	    /* outputs that are here */
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
	return number == order->turn && !order->taken.here;
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

int
order_add(struct order *order, int stream, const char *data, size_t len, struct err *err)
{
	while (len) {
		struct piece piece = {.stream = (uint32_t)stream,
			.len = (uint32_t)(len < PIECE_BYTES ? len : PIECE_BYTES)};
		if (write_at(order->pieces_fd, &piece, sizeof(piece), order->end) < 0 ||
			write_at(order->pieces_fd, data, piece.len, order->end + sizeof(piece)) < 0)
			return failed(err);
		order->end += sizeof(piece) + piece.len;
		data += piece.len;
		len -= piece.len;
	}
	return 0;
}

int
order_end(struct order *order, uint64_t number, struct err *err)
{
	struct place place = {.offset = order->begin, .len = order->end - order->begin, .here = 1};
	if (write_at(order->places_fd, &place, sizeof(place), number * sizeof(place)) < 0)
		return failed(err);
	order->begin = order->end;
	order->held++;
	return 0;
}

void
order_passed(struct order *order)
{
	order->turn++;
	if (order->held || order->begin != order->end)
		return;
	order->begin = order->end = 0; /* all are through: the disk gets its room back */
	if (ftruncate(order->pieces_fd, 0) < 0)
		order->end = order->begin; /* it stays as it is: nothing is lost by that */
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
	if (!taken->len) {
		*taken = (struct place){0};
		order->held--;
		order_passed(order);
		return 1;
	}
	struct piece piece;
	if (read_at(order->pieces_fd, &piece, sizeof(piece), taken->offset) !=
		(ssize_t)sizeof(piece))
		return failed(err);
	struct buf *buf = to[piece.stream & 1];
	char *room = buf_room(buf, piece.len);
	if (read_at(order->pieces_fd, room, piece.len, taken->offset + sizeof(piece)) !=
		(ssize_t)piece.len)
		return failed(err);
	buf_added(buf, piece.len);
	taken->offset += sizeof(piece) + piece.len;
	taken->len -= sizeof(piece) + piece.len;
	return 1;
}

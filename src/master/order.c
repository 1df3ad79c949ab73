/* Outputs on disk until it is their turn. */
#include "master/order.h"

#include "base/err.h"
#include "base/log.h"
#include "master/pieces.h"

#include <stdlib.h>
#include <unistd.h>

/* Where an output is; all zero for one that is not here (a hole in the file). */
struct place {
	uint64_t offset;
	uint64_t end;
	uint64_t here;
};

struct order {
	struct pieces *pieces;
	int places_fd;
	uint64_t begin; /* of the output that is being added */
	uint64_t turn;
	uint64_t held;	    /* outputs that are here */
	struct place taken; /* what is left of the one whose turn it is; HERE if begun */
};

struct order *
order_new(const char *tmpdir, struct err *err)
{
	struct order *order = xcalloc(1, sizeof(*order));
	order->pieces = pieces_new(tmpdir);
	order->places_fd = order->pieces ? pieces_open_unnamed(tmpdir) : -1;
	if (order->places_fd >= 0)
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
	pieces_free(order->pieces);
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
	bool adding = order->begin != pieces_end(order->pieces);
	return number == order->turn && !order->taken.here && !adding;
}

bool
order_holds(const struct order *order)
{
	return order->held;
}

static int
failed(struct err *err)
{
	return err_set_errno(err, "cannot keep outputs that wait for their turn");
}

/* --- in --- */

int
order_add(struct order *order, int stream, const char *data, size_t len, struct err *err)
{
	return pieces_add(order->pieces, stream, data, len) < len ? failed(err) : 0;
}

int
order_end(struct order *order, uint64_t number, struct err *err)
{
	struct place place = {.offset = order->begin, .end = pieces_end(order->pieces), .here = 1};
	if (pieces_write_at(order->places_fd, &place, sizeof(place), number * sizeof(place)) < 0)
		return failed(err);
	order->begin = pieces_end(order->pieces);
	order->held++;
	return 0;
}

void
order_drop(struct order *order)
{
	order->begin = pieces_end(order->pieces);
}

/* --- out --- */

void
order_passed(struct order *order)
{
	order->turn++;
	uint64_t end = pieces_end(order->pieces);
	if (order->held || order->begin != end || !end)
		return;
	/* All are through: the disk gets its room back. */
	if (ftruncate(order->places_fd, 0) == 0 && pieces_restart(order->pieces) == 0)
		order->begin = 0;
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
	if (pieces_read_at(order->places_fd, &place, sizeof(place), order->turn * sizeof(place)) <
		0)
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
	return pieces_take(order->pieces, &taken->offset, to) < 0 ? failed(err) : 1;
}

/* Tasks in flight: an open-addressed table of pointers, linear probing, at most half full. */
#include "master/flights.h"

#include "base/log.h"
#include "master/pieces.h"
#include "tasks/task.h"

#include <stdlib.h>

struct flights {
	struct flight **table;
	size_t size; /* a power of two */
	size_t count;
};

void
flight_queue_push(struct flight_queue *queue, struct flight *flight)
{
	flight->next = NULL;
	if (queue->last)
		queue->last->next = flight;
	else
		queue->first = flight;
	queue->last = flight;
}

struct flight *
flight_queue_pop(struct flight_queue *queue)
{
	struct flight *flight = queue->first;
	if (!flight)
		return NULL;
	queue->first = flight->next;
	if (!queue->first)
		queue->last = NULL;
	return flight;
}

bool
flight_queue_remove(struct flight_queue *queue, struct flight *flight)
{
	struct flight_queue rest = {0};
	bool found = false;
	struct flight *other;
	while ((other = flight_queue_pop(queue))) {
		found = found || other == flight;
		if (other != flight)
			flight_queue_push(&rest, other);
	}
	*queue = rest;
	return found;
}

struct flights *
flights_new(void)
{
	struct flights *flights = xcalloc(1, sizeof(*flights));
	flights->size = 256;
	flights->table = xcalloc(flights->size, sizeof(*flights->table));
	return flights;
}

static size_t
home_of(const struct flights *flights, uint64_t index)
{
	return (size_t)(index * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (flights->size - 1);
}

static size_t
place_of(const struct flights *flights, uint64_t index)
{
	size_t place = home_of(flights, index);
	while (flights->table[place] && flights->table[place]->task->index != index)
		place = (place + 1) & (flights->size - 1);
	return place;
}

static void
grow(struct flights *flights)
{
	struct flights old = *flights;
	flights->size *= 2;
	flights->table = xcalloc(flights->size, sizeof(*flights->table));
	for (size_t i = 0; i < old.size; i++)
		if (old.table[i])
			flights->table[place_of(flights, old.table[i]->task->index)] = old.table[i];
	free(old.table);
}

struct flight *
flights_add(struct flights *flights, struct task *task, int worker)
{
	if (2 * (flights->count + 1) > flights->size)
		grow(flights);
	struct flight *flight = xcalloc(1, sizeof(*flight));
	flight->task = task;
	flight->worker = worker;
	flights->table[place_of(flights, task->index)] = flight;
	flights->count++;
	return flight;
}

struct flight *
flights_find(const struct flights *flights, uint64_t index)
{
	return flights->table[place_of(flights, index)];
}

/* Moves those behind the hole up, so that no search stops at it. */
static void
close_hole(struct flights *flights, size_t hole)
{
	size_t mask = flights->size - 1;
	flights->table[hole] = NULL;
	for (size_t at = (hole + 1) & mask; flights->table[at]; at = (at + 1) & mask) {
		size_t home = home_of(flights, flights->table[at]->task->index);
		if (((at - home) & mask) < ((at - hole) & mask))
			continue;
		flights->table[hole] = flights->table[at];
		flights->table[at] = NULL;
		hole = at;
	}
}

static void
release(struct flight *flight, bool keep_task)
{
	if (!keep_task)
		task_free(flight->task);
	buf_clear(&flight->bytes[0]);
	buf_clear(&flight->bytes[1]);
	buf_clear(&flight->tail);
	pieces_free(flight->held);
	free(flight);
}

void
flights_remove(struct flights *flights, struct flight *flight, bool keep_task)
{
	close_hole(flights, place_of(flights, flight->task->index));
	flights->count--;
	release(flight, keep_task);
}

void
flights_free(struct flights *flights)
{
	if (!flights)
		return;
	for (size_t i = 0; i < flights->size; i++)
		if (flights->table[i])
			release(flights->table[i], false);
	free(flights->table);
	free(flights);
}

size_t
flights_count(const struct flights *flights)
{
	return flights->count;
}

struct flight *
flights_next(const struct flights *flights, size_t *at)
{
	while (*at < flights->size) {
		struct flight *flight = flights->table[(*at)++];
		if (flight)
			return flight;
	}
	return NULL;
}

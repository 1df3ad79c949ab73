/* The workers of a run. */
#include "master/members.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

void
members_init(struct members *members, int peers)
{
	*members = (struct members){.peers = peers};
	members->by_peer = xcalloc((unsigned long)peers, sizeof(*members->by_peer));
	for (int i = 0; i < peers; i++)
		members->by_peer[i] = -1;
}

void
members_clear(struct members *members)
{
	for (int i = 0; i < members->count; i++) {
		struct member *member = &members->list[i];
		for (uint32_t k = 0; k < member->hello.nslots; k++)
			free(member->slots[k].cores);
		free(member->slots);
		buf_clear(&member->link.buf);
	}
	free(members->list);
	free(members->by_peer);
	*members = (struct members){0};
}

static bool
same_host(const struct member *a, const struct member *b)
{
	return strcmp(a->hello.host, b->hello.host) == 0 &&
	       strcmp(a->hello.boot_id, b->hello.boot_id) == 0;
}

/* True if no earlier member (with slots, if WITH_SLOTS) is on the same host. Quadratic in the
 * number of hosts, not of ranks: ranks of a host mostly follow each other. */
static bool
first_of_host(const struct members *members, int number, bool with_slots)
{
	for (int i = number - 1; i >= 0; i--)
		if (same_host(&members->list[i], &members->list[number]) &&
			(!with_slots || members->list[i].hello.nslots))
			return false;
	return true;
}

int
members_add(struct members *members, int peer, struct hello *hello, const struct message_link *link)
{
	int number = members->count++;
	if ((number & (number - 1)) == 0)
		members->list = xrealloc(
			members->list, 2 * (unsigned long)(number + 1) * sizeof(*members->list));
	struct member *member = &members->list[number];
	*member = (struct member){.peer = peer, .hello = *hello, .link = *link};
	if (number)
		member->first_slot = member[-1].first_slot + (int)member[-1].hello.nslots;
	member->slots = xcalloc(hello->nslots, sizeof(*member->slots));
	for (uint32_t k = 0; k < hello->nslots; k++)
		member->slots[k] = (struct member_slot){
			.number = hello->slots[k].number, .cores = xstrdup("")};
	member->open_slots = (int)hello->nslots;
	hello_clear(hello);
	member->hello.slots = NULL;
	members->by_peer[peer] = number;
	members->hosts += member->hello.nslots && first_of_host(members, number, true);
	return number;
}

struct member *
members_of_peer(const struct members *members, int peer)
{
	int number = members->by_peer[peer];
	return number < 0 ? NULL : &members->list[number];
}

bool
members_have_slots(const struct members *members)
{
	for (int i = 0; i < members->count; i++)
		for (uint32_t k = 0; k < members->list[i].hello.nslots; k++)
			if (!members->list[i].lost && !members->list[i].slots[k].closed)
				return true;
	return false;
}

void
members_cores(const struct members *members, int *usable, int *leased)
{
	*usable = *leased = 0;
	for (int i = 0; i < members->count; i++) {
		const struct hello *hello = &members->list[i].hello;
		*leased += (int)hello->nslots * hello->offer.cores;
		if (first_of_host(members, i, false))
			*usable += (int)hello->host_cores;
	}
}

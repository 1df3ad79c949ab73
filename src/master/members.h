/* The workers of a run as the master knows them: who they are, where, and what their slots are. */
#ifndef MASTER_MEMBERS_H
#define MASTER_MEMBERS_H

#include "comm/message.h"

#include <stdbool.h>

struct member_slot {
	uint32_t number; /* host-wide, from 1 */
	bool down;
	bool closed; /* for ever */
	char *cores; /* CPU list as the executor read it back; "" until it has */
};

struct member {
	int peer;	    /* its endpoint */
	struct hello hello; /* its slots are moved to SLOTS */
	struct member_slot *slots;
	struct message_link link;
	int first_slot; /* number in the run, from 0, of its first slot */
	int open_slots; /* that are not down */
	bool bye;
	bool lost;
	int unheard;  /* beats since it was heard */
	int recalled; /* tasks it was asked for and has not answered for yet */
};

struct members {
	struct member *list; /* in order of arrival: a member's place is its number */
	int count;
	int hosts;    /* distinct ones, with a slot */
	int *by_peer; /* its number, -1: none yet */
	int peers;
};

void members_init(struct members *members, int peers);
void members_clear(struct members *members);

/* A new member that has said HELLO, whose slots are taken over; returns its number. */
int members_add(
	struct members *members, int peer, struct hello *hello, const struct message_link *link);

/* The member behind an endpoint, NULL if none. */
struct member *members_of_peer(const struct members *members, int peer);

/* True if some slot is there, or will be again. */
bool members_have_slots(const struct members *members);

/* Usable cores of all hosts, and the cores that all slots together have. */
void members_cores(const struct members *members, int *usable, int *leased);

#endif

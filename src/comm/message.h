/*
 * The messages between master and workers (docs/PROTOCOL.md): their head, and the payloads that are
 * more than a few numbers. Each message has version, session, worker, sequence and length.
 */
#ifndef COMM_MESSAGE_H
#define COMM_MESSAGE_H

#include "base/buf.h"
#include "base/clock.h"
#include "base/cpus.h"
#include "tasks/task.h"

#include <stdbool.h>
#include <stdint.h>

struct err;
struct transport;
struct unpack;

#define MESSAGE_VERSION 1

enum message_type {
	/* master to worker */
	MESSAGE_TASKS = 1, /* u32 count, then as many tasks */
	MESSAGE_RECALL,	   /* u32 count, u64 indices: give back those that have not started */
	MESSAGE_KILL,  /* u64 index (0: all), u8 reason, u32 grace_ms; all: staged ones come back */
	MESSAGE_DRAIN, /* no more tasks will come: BYE once nothing is left */
	MESSAGE_PAUSE, /* start nothing until CONT */
	MESSAGE_CONT,
	MESSAGE_OUT_CREDIT, /* u64 index, u32 chunks */
	MESSAGE_BYE_ACK,
	MESSAGE_ALIVE, /* rank 0 is there, every MESSAGE_BEAT_NS */

	/* worker to master */
	MESSAGE_HELLO,	   /* struct hello */
	MESSAGE_STARTED,   /* u32 count, u64 indices of tasks that have run for 200 ms */
	MESSAGE_RESULTS,   /* u32 count, then as many results */
	MESSAGE_RECALLED,  /* u32 count, then u64 index and u8 enum recalled of each */
	MESSAGE_SLOT_UP,   /* u32 slot, cpus as read back */
	MESSAGE_SLOT_DOWN, /* u32 slot, u8 enum slot_end, text */
	MESSAGE_OUT_OFFER, /* u64 index: it runs and prints more than can be held */
	MESSAGE_OUT_CHUNK, /* u64 index, u8 stream (1, 2), bytes */
	MESSAGE_OUT_END,   /* u64 index, u8 whole: 1, or 0 if the rest was lost with its executor */
	MESSAGE_HEARTBEAT, /* i64 Unix time in microseconds there; every MESSAGE_BEAT_NS */
	MESSAGE_BYE,
	MESSAGE_TYPES
};

/* Both sides send something at least this often. Who hears nothing for MESSAGE_BEATS of its own
 * beats takes the other one for lost: beats, as both may have been suspended for hours. */
#define MESSAGE_BEAT_NS (10 * CLOCK_NS_PER_S)
enum { MESSAGE_BEATS = 6 };

/* What becomes of a slot that is down. */
enum slot_end {
	SLOT_RESTARTS, /* it gets a new executor */
	SLOT_WAITS,    /* no process can be made there: it is tried again later */
	SLOT_CLOSED,   /* for ever */
	SLOT_UNSAFE,   /* so too, and outputs that it stored may be lost */
};

extern const char *const message_names[MESSAGE_TYPES];

/* True for those that go from a worker to the master. */
bool message_to_master(enum message_type type);

/* The sending side of one direction. Zero-initialised but for its first three members. */
struct message_link {
	struct transport *transport;
	uint32_t session;
	uint32_t worker; /* the worker this is to or from */
	uint64_t sequence;
	struct buf buf; /* empty between messages */
};

/* Starts a message and returns where its payload is to be packed. To begin another one on the same
 * link before it is sent is a mistake that ends the program. */
struct buf *message_begin(struct message_link *link, enum message_type type);
/* Completes it and sends it. */
void message_send(struct message_link *link, int peer);

struct message_head {
	enum message_type type;
	uint32_t session;
	uint32_t worker;
	uint64_t sequence;
};

/* Reads the head; IN is the payload. Returns 0, or -1 with ERR: not a message, another version. */
int message_parse(const void *data, size_t len, struct message_head *head, struct unpack *in,
	struct err *err);

#define HELLO_TEXT_MAX 256

/* What a worker says of itself. */
struct hello {
	char host[HELLO_TEXT_MAX];
	char boot_id[HELLO_TEXT_MAX];
	char build[HELLO_TEXT_MAX]; /* version and MPI library */
	int32_t rank;
	int64_t unix_us; /* its clock as it said so */
	uint64_t memory_mib;
	uint32_t host_cores; /* usable whole cores of its host; 0: other runs have all, and share */
	uint32_t taken_cores; /* that other runs have there, where the slots could do with them */
	uint32_t withheld_cores; /* other cores there, which the job was not granted */
	uint32_t host_slots;	 /* slots of all ranks there */
	uint64_t search_paths;	 /* hash of PATH and LD_LIBRARY_PATH */
	bool oversubscribed;	 /* more slots than cores: nothing is bound there */
	struct need offer;	 /* what each slot offers */
	uint32_t nslots;
	struct hello_slot {
		uint32_t number; /* host-wide, from 1: MPBATCH_SLOT */
		int32_t numa;	 /* -1: more than one, or not bound */
		struct cpus cpus;
	} * slots; /* allocated by hello_unpack(), freed by hello_clear() */
};

void hello_pack(struct buf *buf, const struct hello *hello);
bool hello_unpack(struct unpack *in, struct hello *hello);
void hello_clear(struct hello *hello);

#endif

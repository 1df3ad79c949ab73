/* Messages as bytes. */
#include "comm/message.h"

#include "base/err.h"
#include "base/log.h"
#include "base/pack.h"
#include "comm/transport.h"

#include <assert.h>
#include <stdlib.h>

const char *const message_names[MESSAGE_TYPES] = {
	[MESSAGE_TASKS] = "TASKS",
	[MESSAGE_RECALL] = "RECALL",
	[MESSAGE_KILL] = "KILL",
	[MESSAGE_DRAIN] = "DRAIN",
	[MESSAGE_PAUSE] = "PAUSE",
	[MESSAGE_CONT] = "CONT",
	[MESSAGE_OUT_CREDIT] = "OUT_CREDIT",
	[MESSAGE_BYE_ACK] = "BYE_ACK",
	[MESSAGE_ALIVE] = "ALIVE",
	[MESSAGE_HELLO] = "HELLO",
	[MESSAGE_STARTED] = "STARTED",
	[MESSAGE_RESULTS] = "RESULTS",
	[MESSAGE_RECALLED] = "RECALLED",
	[MESSAGE_SLOT_UP] = "SLOT_UP",
	[MESSAGE_SLOT_DOWN] = "SLOT_DOWN",
	[MESSAGE_OUT_OFFER] = "OUT_OFFER",
	[MESSAGE_OUT_CHUNK] = "OUT_CHUNK",
	[MESSAGE_OUT_END] = "OUT_END",
	[MESSAGE_HEARTBEAT] = "HEARTBEAT",
	[MESSAGE_BYE] = "BYE",
};
static_assert(MESSAGE_TYPES == 21, "a row of message_names for each type");

/* type u8, version u8, session u32, worker u32, sequence u64, length u32 */
enum { HEAD_BYTES = 22, LENGTH_AT = 18, SLOTS_MAX = 65536 };

bool
message_to_master(enum message_type type)
{
	return type >= MESSAGE_HELLO;
}

struct buf *
message_begin(struct message_link *link, enum message_type type)
{
	if (link->buf.len)
		die(4, "a %s message begun within another", message_names[type]);
	pack_u8(&link->buf, (uint8_t)type);
	pack_u8(&link->buf, MESSAGE_VERSION);
	pack_u32(&link->buf, link->session);
	pack_u32(&link->buf, link->worker);
	pack_u64(&link->buf, ++link->sequence);
	pack_u32(&link->buf, 0);
	return &link->buf;
}

void
message_send(struct message_link *link, int peer)
{
	size_t len = link->buf.len - HEAD_BYTES;
	for (int i = 0; i < 4; i++)
		link->buf.data[LENGTH_AT + i] = (char)(unsigned char)(len >> (8 * i));
	transport_send(link->transport, peer, link->buf.data, link->buf.len);
	buf_consume(&link->buf, link->buf.len);
}

int
message_parse(
	const void *data, size_t len, struct message_head *head, struct unpack *in, struct err *err)
{
	*in = unpack_init(data, len);
	uint8_t type = unpack_u8(in);
	uint8_t version = unpack_u8(in);
	head->session = unpack_u32(in);
	head->worker = unpack_u32(in);
	head->sequence = unpack_u64(in);
	size_t length = unpack_u32(in);
	if (in->bad || length != in->left)
		return err_set(err, "a message of %zu bytes is cut short", len);
	if (version != MESSAGE_VERSION || type == 0 || type >= MESSAGE_TYPES)
		return err_set(err,
			"message type %d of protocol %d is unknown to this build (%s, protocol %d)",
			type, version, VERSION, MESSAGE_VERSION);
	head->type = (enum message_type)type;
	return 0;
}

void
hello_pack(struct buf *buf, const struct hello *hello)
{
	pack_string(buf, hello->host);
	pack_string(buf, hello->boot_id);
	pack_string(buf, hello->build);
	pack_u32(buf, (uint32_t)hello->rank);
	pack_i64(buf, hello->unix_us);
	pack_u64(buf, hello->memory_mib);
	pack_u32(buf, hello->host_cores);
	pack_u32(buf, hello->taken_cores);
	pack_u32(buf, hello->withheld_cores);
	pack_u32(buf, hello->host_slots);
	pack_u64(buf, hello->search_paths);
	pack_u8(buf, hello->oversubscribed);
	pack_u16(buf, hello->offer.cores);
	pack_u16(buf, hello->offer.gpus);
	pack_u32(buf, hello->offer.memory_mib);
	pack_u32(buf, hello->nslots);
	for (uint32_t i = 0; i < hello->nslots; i++) {
		pack_u32(buf, hello->slots[i].number);
		pack_u32(buf, (uint32_t)hello->slots[i].numa);
		cpus_pack(buf, &hello->slots[i].cpus);
	}
}

bool
hello_unpack(struct unpack *in, struct hello *hello)
{
	*hello = (struct hello){0};
	unpack_string(in, hello->host, sizeof(hello->host));
	unpack_string(in, hello->boot_id, sizeof(hello->boot_id));
	unpack_string(in, hello->build, sizeof(hello->build));
	hello->rank = (int32_t)unpack_u32(in);
	hello->unix_us = unpack_i64(in);
	hello->memory_mib = unpack_u64(in);
	hello->host_cores = unpack_u32(in);
	hello->taken_cores = unpack_u32(in);
	hello->withheld_cores = unpack_u32(in);
	hello->host_slots = unpack_u32(in);
	hello->search_paths = unpack_u64(in);
	hello->oversubscribed = unpack_u8(in);
	hello->offer.cores = unpack_u16(in);
	hello->offer.gpus = unpack_u16(in);
	hello->offer.memory_mib = unpack_u32(in);
	hello->nslots = unpack_u32(in);
	if (in->bad || hello->nslots > SLOTS_MAX) {
		hello->nslots = 0;
		return false;
	}
	hello->slots = xcalloc(hello->nslots, sizeof(*hello->slots));
	for (uint32_t i = 0; i < hello->nslots; i++) {
		hello->slots[i].number = unpack_u32(in);
		hello->slots[i].numa = (int32_t)unpack_u32(in);
		hello->slots[i].cpus = cpus_unpack(in);
	}
	return unpack_ok(in);
}

void
hello_clear(struct hello *hello)
{
	free(hello->slots);
	*hello = (struct hello){0};
}

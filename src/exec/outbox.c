/* Outputs waiting to be fetched. */
#include "exec/outbox.h"

#include "base/conn.h"
#include "base/pack.h"
#include "exec/frame.h"

#include <string.h>

bool
outbox_full(const struct outbox *outbox)
{
	return outbox->count == OUTBOX_MAX;
}

void
outbox_add(struct outbox *outbox, uint64_t seq, struct capture *capture, uint32_t credits)
{
	outbox->entries[outbox->count++] =
		(struct outbox_entry){.seq = seq, .credits = credits, .capture = *capture};
	*capture = (struct capture){0};
}

void
outbox_credit(struct outbox *outbox, uint64_t seq, uint32_t chunks)
{
	for (int i = 0; i < outbox->count; i++)
		if (outbox->entries[i].seq == seq)
			outbox->entries[i].credits += chunks;
}

static bool
take_chunk(struct capture *capture, int i, struct buf *bytes, bool complete,
	const struct capture_options *options)
{
	if (options->lines)
		return capture_take_lines(capture, i, bytes, EXEC_LINE_BYTES, complete, options) >
		       0;
	return capture_take(capture, i, bytes, EXEC_CHUNK_BYTES, options) > 0;
}

bool
outbox_send_chunks(struct conn *conn, uint64_t seq, struct capture *capture, uint32_t *credits,
	bool complete, const struct capture_options *options)
{
	static struct buf bytes;
	bool sent = false;
	while (*credits && conn->out.len < OUTBOX_CONN_BYTES) {
		int i = options->lines && capture->taken_last == 0;
		if (!take_chunk(capture, i, &bytes, complete, options)) {
			i = !i;
			if (!take_chunk(capture, i, &bytes, complete, options))
				break;
		}
		capture->taken_last = i;
		conn_begin(conn, FRAME_CHUNK);
		pack_u64(&conn->out, seq);
		pack_u8(&conn->out, (uint8_t)(i + 1));
		pack_bytes(&conn->out, bytes.data, bytes.len);
		conn_end(conn);
		buf_consume(&bytes, bytes.len);
		--*credits;
		sent = true;
	}
	return sent;
}

void
outbox_turn(struct outbox *outbox, struct conn *conn, const struct capture_options *options)
{
	for (int i = 0; i < outbox->count; i++) {
		struct outbox_entry *entry = &outbox->entries[i];
		outbox_send_chunks(
			conn, entry->seq, &entry->capture, &entry->credits, true, options);
		if (capture_pending(&entry->capture, 0) || capture_pending(&entry->capture, 1))
			continue;
		conn_begin(conn, FRAME_OUT_END);
		pack_u64(&conn->out, entry->seq);
		conn_end(conn);
		capture_clear(&entry->capture);
		outbox->count--;
		memmove(entry, entry + 1, (size_t)(outbox->count - i) * sizeof(*entry));
		i--;
	}
}

void
outbox_clear(struct outbox *outbox)
{
	for (int i = 0; i < outbox->count; i++)
		capture_clear(&outbox->entries[i].capture);
	outbox->count = 0;
}

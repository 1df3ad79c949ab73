/* The end of handing out. */
#include "master/stop.h"

#include "base/pack.h"
#include "master/internal.h"

void
master_stop(struct master *master, enum master_stop why)
{
	if (why > master->stop)
		master->stop = why;
	supply_close(master->supply);
}

void
master_kill_all(struct master *master, uint32_t grace_ms)
{
	for (int i = 0; i < master->members.count; i++) {
		struct member *member = &master->members.list[i];
		if (member->lost || member->bye)
			continue;
		struct buf *buf = message_begin(&member->link, MESSAGE_KILL);
		pack_u64(buf, 0);
		pack_u8(buf, RESULT_CANCELLED);
		pack_u32(buf, grace_ms);
		message_send(&member->link, member->peer);
	}
}

/* The setup of an executor as bytes. */
#include "exec/setup.h"

#include "base/pack.h"

void
setup_pack(struct buf *buf, const struct setup *setup)
{
	pack_u32(buf, (uint32_t)setup->rank);
	pack_u32(buf, (uint32_t)setup->slot);
	pack_u32(buf, (uint32_t)setup->threads);
	pack_u32(buf, setup->depth);
	pack_u64(buf, setup->ntasks);
	pack_u64(buf, setup->spool_bytes);
	pack_u32(buf, (uint32_t)setup->session);
	pack_u8(buf, (uint8_t)setup->output);
	pack_u8(buf, setup->remove_empty);
	pack_u8(buf, setup->keep_failed_only);
	pack_u8(buf, (uint8_t)setup->stray);
	cpus_pack(buf, &setup->cpus);
	pack_string(buf, setup->tmpdir);
	pack_string(buf, setup->run_dir ? setup->run_dir : "");
	pack_string(buf, setup->keep);
	pack_bytes(buf, setup->environment, setup->environment_len);
}

bool
setup_unpack(struct unpack *in, struct setup *setup)
{
	setup->rank = (int)unpack_u32(in);
	setup->slot = (int)unpack_u32(in);
	setup->threads = (int)unpack_u32(in);
	setup->depth = unpack_u32(in);
	setup->ntasks = unpack_u64(in);
	setup->spool_bytes = unpack_u64(in);
	setup->session = (int)unpack_u32(in);
	setup->output = unpack_u8(in);
	setup->remove_empty = unpack_u8(in);
	setup->keep_failed_only = unpack_u8(in);
	setup->stray = unpack_u8(in) ? STRAY_KEEP : STRAY_KILL;
	setup->cpus = cpus_unpack(in);
	setup->tmpdir = unpack_string_new(in);
	setup->run_dir = unpack_string_new(in);
	setup->keep = unpack_string_new(in);
	setup->environment = unpack_bytes(in, &setup->environment_len);
	return unpack_ok(in) && setup->output < OUTPUT_MODES;
}

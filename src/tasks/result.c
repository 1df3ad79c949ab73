/* Results as bytes, and the names of their reasons. */
#include "tasks/result.h"

#include "base/pack.h"

const char *const result_reason_names[RESULT_REASONS] = {
	[RESULT_OK] = "ok",
	[RESULT_EXIT] = "exit",
	[RESULT_SIGNAL] = "signal",
	[RESULT_TIMEOUT] = "timeout",
	[RESULT_OOM] = "oom",
	[RESULT_SPAWN] = "spawn",
	[RESULT_OUTPUT] = "output",
	[RESULT_LOST] = "lost",
	[RESULT_CANCELLED] = "cancelled",
};

const char *const output_mode_names[OUTPUT_MODES] = {
	[OUTPUT_GROUP] = "group",
	[OUTPUT_LINE] = "line",
	[OUTPUT_NONE] = "none",
	[OUTPUT_FILES] = "files",
	[OUTPUT_STORE] = "store",
};

const char *const result_via_names[RESULT_VIAS] = {
	[RESULT_VIA_DIRECT] = "direct",
	[RESULT_VIA_SH] = "sh",
	[RESULT_VIA_BASH] = "bash",
	[RESULT_VIA_SHELL] = "shell",
};

const char *
result_step_name(int step)
{
	static const char *const names[STEPS] = {
		[STEP_NONE] = "nothing",
		[STEP_CLONE] = "new process",
		[STEP_GROUP] = "process group",
		[STEP_DEATH] = "parent-death signal",
		[STEP_CWD] = "change directory",
		[STEP_INPUT] = "open standard input",
		[STEP_EXEC] = "exec",
	};
	return step >= 0 && step < STEPS ? names[step] : "unknown step";
}

void
result_pack(struct buf *buf, const struct result *result)
{
	pack_u64(buf, result->index);
	pack_u16(buf, result->attempt);
	pack_u16(buf, result->slot);
	pack_u8(buf, result->reason);
	pack_u8(buf, result->via);
	pack_u8(buf, result->step);
	pack_u8(buf, result->offered);
	pack_u8(buf, result->away);
	pack_u8(buf, result->stored);
	pack_u64(buf, result->stored_at);
	pack_u64(buf, result->stored_sum);
	pack_u32(buf, (uint32_t)result->exit_code);
	pack_u32(buf, (uint32_t)result->signal);
	pack_u32(buf, (uint32_t)result->error);
	pack_u32(buf, result->strays);
	pack_i64(buf, result->start_us);
	pack_i64(buf, result->runtime_ns);
	pack_i64(buf, result->user_us);
	pack_i64(buf, result->system_us);
	pack_i64(buf, result->maxrss_kib);
	pack_u64(buf, result->out_bytes);
	pack_u64(buf, result->err_bytes);
	if (result->away) {
		pack_bytes(buf, result->tail, result->tail_len);
	} else if (!result->offered) {
		pack_bytes(buf, result->out, result->out_bytes);
		pack_bytes(buf, result->err, result->err_bytes);
	}
}

struct result
result_unpack(struct unpack *in)
{
	struct result result = {.index = unpack_u64(in)};
	result.attempt = unpack_u16(in);
	result.slot = unpack_u16(in);
	result.reason = unpack_u8(in);
	result.via = unpack_u8(in);
	result.step = unpack_u8(in);
	result.offered = unpack_u8(in);
	result.away = unpack_u8(in);
	result.stored = unpack_u8(in);
	result.stored_at = unpack_u64(in);
	result.stored_sum = unpack_u64(in);
	result.exit_code = (int32_t)unpack_u32(in);
	result.signal = (int32_t)unpack_u32(in);
	result.error = (int32_t)unpack_u32(in);
	result.strays = unpack_u32(in);
	result.start_us = unpack_i64(in);
	result.runtime_ns = unpack_i64(in);
	result.user_us = unpack_i64(in);
	result.system_us = unpack_i64(in);
	result.maxrss_kib = unpack_i64(in);
	result.out_bytes = unpack_u64(in);
	result.err_bytes = unpack_u64(in);
	if (result.away) {
		result.tail = unpack_bytes(in, &result.tail_len);
	} else if (!result.offered) {
		size_t out_len, err_len;
		result.out = unpack_bytes(in, &out_len);
		result.err = unpack_bytes(in, &err_len);
		if (out_len != result.out_bytes || err_len != result.err_bytes)
			in->bad = true;
	}
	if (result.reason >= RESULT_REASONS || result.via >= RESULT_VIAS)
		in->bad = true;
	return result;
}

/* CONFIG as bytes. */
#include "comm/config.h"

#include "base/log.h"
#include "base/pack.h"

#include <stdlib.h>
#include <string.h>

void
config_pack(struct buf *buf, const struct config *config)
{
	pack_u8(buf, config->refused);
	pack_u8(buf, config->only_show);
	pack_u32(buf, config->session);
	pack_u32(buf, (uint32_t)config->slots);
	pack_u8(buf, config->master_works);
	pack_u16(buf, config->cores);
	pack_u8(buf, config->bind);
	pack_u8(buf, config->keep_strays);
	pack_u8(buf, config->output);
	pack_u8(buf, config->remove_empty);
	pack_u8(buf, config->keep_failed_only);
	pack_u32(buf, config->session_number);
	pack_u64(buf, config->ntasks);
	pack_string(buf, config->tmpdir);
	pack_string(buf, config->run_dir);
	pack_string(buf, config->keep_env);
	pack_bytes(buf, config->environment, config->environment_len);
}

bool
config_unpack(struct unpack *in, struct config *config)
{
	*config = (struct config){.refused = unpack_u8(in)};
	config->only_show = unpack_u8(in);
	config->session = unpack_u32(in);
	config->slots = (int32_t)unpack_u32(in);
	config->master_works = unpack_u8(in);
	config->cores = unpack_u16(in);
	config->bind = unpack_u8(in);
	config->keep_strays = unpack_u8(in);
	config->output = unpack_u8(in);
	config->remove_empty = unpack_u8(in);
	config->keep_failed_only = unpack_u8(in);
	config->session_number = unpack_u32(in);
	config->ntasks = unpack_u64(in);
	config->tmpdir = unpack_string_new(in);
	config->run_dir = unpack_string_new(in);
	config->keep_env = unpack_string_new(in);
	const char *environment = unpack_bytes(in, &config->environment_len);
	if (config->environment_len) {
		config->environment = xmalloc(config->environment_len);
		memcpy(config->environment, environment, config->environment_len);
	}
	return unpack_ok(in);
}

void
config_clear(struct config *config)
{
	free(config->tmpdir);
	free(config->run_dir);
	free(config->keep_env);
	free(config->environment);
	*config = (struct config){0};
}

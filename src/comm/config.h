/*
 * What rank 0 tells every rank before the run: its options, as far as they concern workers, or that
 * the run is refused. Options are rank 0's alone. Broadcast at start-up (docs/PROTOCOL.md, CONFIG).
 */
#ifndef COMM_CONFIG_H
#define COMM_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct unpack;

struct config {
	bool refused;	   /* rank 0 has said why: leave with exit code 2 */
	bool only_show;	   /* --show-binding: share out, report, leave */
	uint32_t session;  /* number in every message of the run */
	int32_t slots;	   /* per rank: a number or SHARE_AUTO */
	bool master_works; /* rank 0 has slots too */
	uint16_t cores;	   /* per slot */
	bool bind;
	bool keep_strays;
	uint8_t output; /* enum output_mode */
	bool remove_empty, keep_failed_only;
	uint32_t session_number; /* of the run directory */
	uint64_t ntasks;	 /* 0: not known */
	char *tmpdir;
	char *run_dir;	   /* absolute; "": none */
	char *keep_env;	   /* globs, separated by newlines */
	char *environment; /* rank 0's NAME=value strings, each ended by NUL; NULL: each rank's own
			    */
	size_t environment_len;
};

void config_pack(struct buf *buf, const struct config *config);

/* Strings are new, freed by config_clear(). False if bad. */
bool config_unpack(struct unpack *in, struct config *config);
void config_clear(struct config *config);

#endif

/* The output store: its hash, its writer, its reader. */
#include "run/store.h"

#include "base/err.h"
#include "base/log.h"
#include "run/durable.h"
#include "run/within.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE_BYTES = 256 * 1024 };

struct store {
	char *dir;
	char name[STORE_NAME_MAX];
	int fd;		/* -1: not opened yet */
	uint64_t start; /* of the output at hand: all before it is whole */
	uint64_t len;	/* of it so far */
	uint64_t sum;
	bool unsynced;
	bool unnamed; /* the directory does not surely know the file yet */
};

/* --- the hash --- */

/* Before each word of eight bytes: a bijection, so that no change of one word can be lost. */
static uint64_t
stir(uint64_t sum)
{
	return (sum ^ sum >> 32) * UINT64_C(0x9fb21c651e98df25);
}

static uint64_t
add_byte(uint64_t sum, uint64_t position, char byte)
{
	if (position % 8 == 0)
		sum = stir(sum);
	return sum ^ (uint64_t)(unsigned char)byte << position % 8 * 8;
}

uint64_t
store_hash(uint64_t sum, uint64_t position, const char *data, size_t len)
{
	for (; len && position % 8; len--)
		sum = add_byte(sum, position++, *data++);
	for (; len >= 8; len -= 8, data += 8, position += 8) {
		uint64_t word;
		memcpy(&word, data, 8);
		sum = stir(sum) ^ le64toh(word);
	}
	for (; len; len--)
		sum = add_byte(sum, position++, *data++);
	return sum;
}

char *
store_name(int session, int rank, int slot, char room[STORE_NAME_MAX])
{
	snprintf(room, STORE_NAME_MAX, "output.%d.%d.%d", session, rank, slot);
	return room;
}

bool
store_is_name(const char *name, size_t len)
{
	static const char head[] = "output";
	const char *at = name + sizeof(head) - 1, *end = name + len;
	if (len < sizeof(head) || len >= STORE_NAME_MAX ||
		memcmp(name, head, sizeof(head) - 1) != 0)
		return false;
	for (int numbers = 0; numbers < 3; numbers++) {
		if (at == end || *at++ != '.')
			return false;
		const char *number = at;
		while (at < end && *at >= '0' && *at <= '9')
			at++;
		if (at == number)
			return false;
	}
	return at == end;
}

/* --- writing --- */

struct store *
store_new(const char *run_dir, int session, int rank, int slot)
{
	struct store *store = xcalloc(1, sizeof(*store));
	store->dir = xstrdup(run_dir);
	store->fd = -1;
	store_name(session, rank, slot, store->name);
	return store;
}

/* The file may be there: from an executor of this slot that has died. What it holds stays. */
static int
open_file(struct store *store)
{
	char *path = xasprintf("%s/%s", store->dir, store->name);
	store->fd = within_open(path, O_WRONLY | O_CREAT);
	int saved = errno;
	free(path);
	errno = saved;
	off_t size = store->fd < 0 ? -1 : lseek(store->fd, 0, SEEK_END);
	if (size < 0)
		return -1;
	store->start = (uint64_t)size;
	store->unnamed = true;
	return 0;
}

int
store_write(struct store *store, const char *data, size_t len, struct err *err)
{
	if (len && store->fd < 0 && open_file(store) < 0)
		return err_set_errno(err, "%s in %.300s", store->name, store->dir);
	while (len) {
		ssize_t put = pwrite(store->fd, data, len, (off_t)(store->start + store->len));
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return err_set_errno(err, "%s in %.300s", store->name, store->dir);
		store->unsynced = true;
		store->sum = store_hash(store->sum, store->len, data, (size_t)put);
		store->len += (uint64_t)put;
		data += put;
		len -= (size_t)put;
	}
	return 0;
}

struct stored
store_end(struct store *store)
{
	struct stored stored = {.offset = store->start, .sum = store->sum};
	store->start += store->len;
	store->len = store->sum = 0;
	return stored;
}

void
store_drop(struct store *store)
{
	/* Should it fail, the next output is written over what is left. */
	if (store->len && ftruncate(store->fd, (off_t)store->start) < 0)
		store->unsynced = true;
	store->len = store->sum = 0;
}

/* What was stored in a file that lost its name is found by nobody. */
static int
check_name(const struct store *store, struct err *err)
{
	char *path = xasprintf("%s/%s", store->dir, store->name);
	const char *gone = store->fd < 0 ? NULL : durable_gone(store->fd, path);
	free(path);
	if (gone)
		err_set(err, "%s in %.300s %s", store->name, store->dir, gone);
	errno = ESTALE;
	return gone ? -1 : 0;
}

int
store_sync(struct store *store, struct err *err)
{
	if (check_name(store, err) < 0)
		return -1;
	if (!store->unsynced)
		return 0;
	if ((store->unnamed && durable_names(store->dir) < 0) || fdatasync(store->fd) < 0)
		return err_set_errno(err, "sync of %s in %.300s", store->name, store->dir);
	store->unsynced = store->unnamed = false;
	return 0;
}

void
store_free(struct store *store)
{
	if (!store)
		return;
	if (store->fd >= 0)
		close(store->fd);
	free(store->dir);
	free(store);
}

/* --- reading --- */

typedef int take_piece(void *arg, const char *data, size_t len);

static int
read_pieces(int fd, uint64_t offset, uint64_t len, take_piece *take, void *arg, struct err *err)
{
	char *piece = xmalloc(PIECE_BYTES);
	int done = 0;
	while (len && done == 0) {
		size_t want = len < PIECE_BYTES ? (size_t)len : PIECE_BYTES;
		ssize_t got = pread(fd, piece, want, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			done = err_set_errno(err, "cannot be read");
		else if (got == 0)
			done = err_set(err, "ends before the output does");
		else
			done = take(arg, piece, (size_t)got);
		offset += got > 0 ? (uint64_t)got : 0;
		len -= got > 0 ? (uint64_t)got : 0;
	}
	free(piece);
	return done < 0 ? -1 : 0;
}

struct check {
	uint64_t sum, position;
};

static int
add_to_check(void *arg, const char *data, size_t len)
{
	struct check *check = arg;
	check->sum = store_hash(check->sum, check->position, data, len);
	check->position += len;
	return 0;
}

static int
check_sum(int fd, struct stored stored, uint64_t total, struct err *err)
{
	struct check check = {0};
	if (read_pieces(fd, stored.offset, total, add_to_check, &check, err) < 0)
		return -1;
	return check.sum == stored.sum ? 0 : err_set(err, "holds other bytes than were stored");
}

struct pass {
	take_piece *take;
	void *arg;
};

/* A caller that wants no more is no error. */
static int
pass_on(void *arg, const char *data, size_t len)
{
	const struct pass *pass = arg;
	return pass->take(pass->arg, data, len) ? 1 : 0;
}

int
store_read(const char *run_dir, const struct store_range *range, take_piece *take, void *arg,
	struct err *err)
{
	if (!range->total)
		return 0;
	if (range->skip > range->total || range->len > range->total - range->skip)
		return err_set(err, "%.60s: more is asked for than was stored", range->name);
	char *path = xasprintf("%s/%s", run_dir, range->name);
	int fd = within_open(path, O_RDONLY);
	int done = fd < 0 ? err_set_errno(err, "cannot be opened") : 0;
	struct pass pass = {.take = take, .arg = arg};
	if (done == 0)
		done = check_sum(fd, range->stored, range->total, err);
	if (done == 0)
		done = read_pieces(
			fd, range->stored.offset + range->skip, range->len, pass_on, &pass, err);
	if (done < 0)
		err_wrap(err, "%.300s", path);
	if (fd >= 0)
		close(fd);
	free(path);
	return done;
}

int
store_verify(const char *run_dir, const char *name, struct stored stored, uint64_t total,
	struct err *err)
{
	struct store_range range = {.name = name, .stored = stored, .total = total};
	return store_read(run_dir, &range, NULL, NULL, err);
}

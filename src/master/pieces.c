/* Outputs on disk. */
#include "master/pieces.h"

#include "base/buf.h"
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <unistd.h>

/* No piece crosses the border of a segment: one whose pieces are all taken goes back to the disk.
 */
enum { PIECE_BYTES = 64 * 1024, SEGMENT_BYTES = 4 << 20 };

struct head {
	uint32_t stream;
	uint32_t len;
};

struct pieces {
	int fd;
	uint64_t end;
	uint32_t *left; /* of each segment: pieces that were not taken yet */
	size_t segments;
};

int
pieces_open_unnamed(const char *tmpdir)
{
	char *path = xasprintf("%s/mpbatch-output-XXXXXX", tmpdir);
	int fd = mkostemp(path, O_CLOEXEC);
	int saved = errno;
	if (fd >= 0)
		unlink(path);
	free(path);
	errno = saved;
	return fd;
}

struct pieces *
pieces_new(const char *tmpdir)
{
	int fd = pieces_open_unnamed(tmpdir);
	if (fd < 0)
		return NULL;
	struct pieces *pieces = xcalloc(1, sizeof(*pieces));
	pieces->fd = fd;
	return pieces;
}

void
pieces_free(struct pieces *pieces)
{
	if (!pieces)
		return;
	close(pieces->fd);
	free(pieces->left);
	free(pieces);
}

uint64_t
pieces_end(const struct pieces *pieces)
{
	return pieces->end;
}

int
pieces_write_at(int fd, const void *data, size_t len, uint64_t offset)
{
	const char *at = data;
	while (len) {
		ssize_t put = pwrite(fd, at, len, (off_t)offset);
		if (put < 0 && errno != EINTR)
			return -1;
		if (put > 0) {
			at += put;
			len -= (size_t)put;
			offset += (uint64_t)put;
		}
	}
	return 0;
}

int
pieces_read_at(int fd, void *data, size_t len, uint64_t offset)
{
	char *at = data;
	while (len) {
		ssize_t got = pread(fd, at, len, (off_t)offset);
		if (got == 0)
			errno = EIO;
		if (got == 0)
			return 0;
		if (got < 0 && errno != EINTR)
			return -1;
		if (got > 0) {
			at += got;
			len -= (size_t)got;
			offset += (uint64_t)got;
		}
	}
	return 1;
}

/* The disk gets its room back, unless something of it is still needed. Where the file system cannot
 * do that it stays taken until all are through. */
static void
give_back(struct pieces *pieces, uint64_t segment)
{
	if (!pieces->left[segment] && segment != pieces->end / SEGMENT_BYTES)
		fallocate(pieces->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			(off_t)(segment * SEGMENT_BYTES), SEGMENT_BYTES);
}

static void
count_piece(struct pieces *pieces, uint64_t segment)
{
	if (segment >= pieces->segments) {
		pieces->left = xrealloc(pieces->left, (segment + 1) * sizeof(*pieces->left));
		while (pieces->segments <= segment)
			pieces->left[pieces->segments++] = 0;
	}
	pieces->left[segment]++;
}

/* Where a piece begins, at OFFSET or in the segment behind it, and how many bytes it may have. */
static uint64_t
piece_at(uint64_t offset, size_t *room)
{
	uint64_t left = SEGMENT_BYTES - offset % SEGMENT_BYTES;
	if (left <= sizeof(struct head)) {
		offset += left;
		left = SEGMENT_BYTES;
	}
	*room = left - sizeof(struct head);
	return offset;
}

static int
add_piece(struct pieces *pieces, int stream, const char *data, size_t len)
{
	size_t room;
	uint64_t at = piece_at(pieces->end, &room);
	struct head head = {.stream = (uint32_t)stream, .len = (uint32_t)(len < room ? len : room)};
	if (pieces_write_at(pieces->fd, &head, sizeof(head), at) < 0 ||
		pieces_write_at(pieces->fd, data, head.len, at + sizeof(head)) < 0)
		return -1;
	uint64_t before = pieces->end / SEGMENT_BYTES;
	count_piece(pieces, at / SEGMENT_BYTES);
	pieces->end = at + sizeof(head) + head.len;
	if (before != pieces->end / SEGMENT_BYTES && before < pieces->segments)
		give_back(pieces, before);
	return (int)head.len;
}

size_t
pieces_add(struct pieces *pieces, int stream, const char *data, size_t len)
{
	size_t added = 0;
	while (added < len) {
		size_t left = len - added;
		int put = add_piece(
			pieces, stream, data + added, left < PIECE_BYTES ? left : PIECE_BYTES);
		if (put < 0)
			break;
		added += (size_t)put;
	}
	return added;
}

int
pieces_take(struct pieces *pieces, uint64_t *at, struct buf *to[2])
{
	struct head head;
	size_t room;
	uint64_t begin = piece_at(*at, &room);
	if (pieces_read_at(pieces->fd, &head, sizeof(head), begin) <= 0)
		return -1;
	struct buf *buf = to[head.stream & 1];
	if (pieces_read_at(pieces->fd, buf_room(buf, head.len), head.len, begin + sizeof(head)) <=
		0)
		return -1;
	buf_added(buf, head.len);
	*at = begin + sizeof(head) + head.len;
	pieces->left[begin / SEGMENT_BYTES]--;
	give_back(pieces, begin / SEGMENT_BYTES);
	return 0;
}

int
pieces_restart(struct pieces *pieces)
{
	if (ftruncate(pieces->fd, 0) < 0)
		return -1;
	pieces->end = pieces->segments = 0;
	return 0;
}

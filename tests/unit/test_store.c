/* The output store: its hash, its writer on good and on full disks, its reader. */
#include "base/buf.h"
#include "base/err.h"
#include "run/store.h"
#include "scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

enum { SIZE = 1 << 20 };

static unsigned seed;
static char bytes[SIZE];
static const char *name = "output.1.2.3";

static size_t
below(size_t n)
{
	return (size_t)rand_r(&seed) % n;
}

/* Adds LEN bytes at AT, cut at random. */
static void
put(struct store *store, size_t at, size_t len)
{
	struct err err;
	while (len) {
		size_t piece = 1 + below(below(2) ? 20 : 70000);
		piece = piece < len ? piece : len;
		if (store_write(store, bytes + at, piece, &err) < 0)
			fail_msg("%s", err.text);
		at += piece;
		len -= piece;
	}
}

static int
append(void *arg, const char *data, size_t len)
{
	buf_append(arg, data, len);
	return 0;
}

static void
assert_holds(struct stored stored, size_t at, size_t total, size_t skip, size_t len)
{
	struct store_range range = {
		.name = name, .stored = stored, .total = total, .skip = skip, .len = len};
	struct buf held = {0};
	struct err err;
	if (store_read(".", &range, append, &held, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(held.len, len);
	if (len)
		assert_memory_equal(held.data, bytes + at + skip, len);
	buf_clear(&held);
}

static void
assert_refused(struct stored stored, uint64_t total, const char *why)
{
	struct err err;
	assert_int_equal(store_verify(".", name, stored, total, &err), -1);
	if (!strstr(err.text, why) || !strstr(err.text, name))
		fail_msg("refused with \"%s\"", err.text);
}

/* --- the hash --- */

static void
hash_is_of_the_bytes_not_of_the_cuts(void **state)
{
	(void)state;
	for (int round = 0; round < 300; round++) {
		size_t start = below(100), len = below(round % 3 ? 100 : 50000);
		uint64_t whole = store_hash(0, 0, bytes + start, len), sum = 0;
		for (size_t at = 0; at < len;) {
			size_t piece = below(below(2) ? 12 : 3000);
			piece = piece < len - at ? piece : len - at;
			sum = store_hash(sum, at, bytes + start + at, piece);
			at += piece;
		}
		assert_int_equal(sum, whole);
	}
	assert_int_equal(store_hash(0, 0, "", 0), 0);
	/* the journal keeps it: it must never change */
	assert_int_equal(store_hash(0, 0, "hello, world\n", 13), UINT64_C(0xe279ee79f7a7d56c));
}

/* Every bit counts, bytes that change places do, and so do two changes far from each other. */
static void
hash_sees_every_change(void **state)
{
	(void)state;
	char copy[300];
	memcpy(copy, bytes, sizeof(copy));
	uint64_t sum = store_hash(0, 0, copy, sizeof(copy));
	for (size_t bit = 0; bit < 8 * sizeof(copy); bit++) {
		copy[bit / 8] ^= (char)(1 << bit % 8);
		assert_int_not_equal(store_hash(0, 0, copy, sizeof(copy)), sum);
		size_t other = below(8 * sizeof(copy));
		copy[other / 8] ^= (char)(1 << other % 8);
		assert_int_equal(store_hash(0, 0, copy, sizeof(copy)) == sum, other == bit);
		memcpy(copy, bytes, sizeof(copy));
	}
	for (size_t at = 0; at + 16 <= sizeof(copy); at++) { /* a torn block, and words swapped */
		memset(copy + at, 0, 16);
		assert_int_not_equal(store_hash(0, 0, copy, sizeof(copy)), sum);
		memcpy(copy + at, bytes + at + 8, 8);
		memcpy(copy + at + 8, bytes + at, 8);
		assert_int_not_equal(store_hash(0, 0, copy, sizeof(copy)), sum);
		memcpy(copy, bytes, sizeof(copy));
	}
}

/* --- writing and reading --- */

static void
outputs_lie_behind_each_other(void **state)
{
	(void)state;
	static const size_t lengths[] = {0, 1, 7, 100, 0, 300000, 5, SIZE - 500000};
	enum { COUNT = sizeof(lengths) / sizeof(lengths[0]) };
	struct stored stored[COUNT];
	struct store *store = store_new(".", 1, 2, 3);
	for (int i = 0; i < COUNT; i++) {
		put(store, 1000, lengths[i]);
		assert_int_equal(access(name, F_OK) == 0, i > 0);
		stored[i] = store_end(store);
		assert_int_equal(stored[i].offset, i ? stored[i - 1].offset + lengths[i - 1] : 0);
		assert_int_equal(store_sync(store, NULL), 0);
	}
	for (int i = 0; i < COUNT; i++) {
		size_t skip = lengths[i] / 3, len = lengths[i] / 2;
		assert_int_equal(store_verify(".", name, stored[i], lengths[i], NULL), 0);
		assert_holds(stored[i], 1000, lengths[i], 0, lengths[i]);
		assert_holds(stored[i], 1000, lengths[i], skip, len);
	}
	store_free(store);
	/* another executor of the same slot leaves what is there alone */
	store = store_new(".", 1, 2, 3);
	put(store, 5, 500);
	struct stored more = store_end(store);
	store_free(store);
	assert_int_equal(more.offset, stored[COUNT - 1].offset + lengths[COUNT - 1]);
	assert_holds(more, 5, 500, 0, 500);
	assert_holds(stored[5], 1000, 300000, 10, 250000);
	unlink(name);
}

static int
stop_at_once(void *arg, const char *data, size_t len)
{
	(void)data;
	(void)len;
	++*(int *)arg;
	return 7;
}

static void
reader_may_stop_and_must_not_ask_too_much(void **state)
{
	(void)state;
	struct store *store = store_new(".", 1, 2, 3);
	put(store, 0, SIZE);
	struct store_range range = {
		.name = name, .stored = store_end(store), .total = SIZE, .len = SIZE};
	struct err err;
	int calls = 0;
	assert_int_equal(store_read(".", &range, stop_at_once, &calls, &err), 0);
	assert_int_equal(calls, 1);
	range.skip = 1;
	assert_int_equal(store_read(".", &range, stop_at_once, &calls, &err), -1);
	range.skip = UINT64_MAX;
	assert_int_equal(store_read(".", &range, stop_at_once, &calls, &err), -1);
	assert_int_equal(calls, 1);
	store_free(store);
	unlink(name);
}

static void
damage_is_found(void **state)
{
	(void)state;
	enum { LEN = 20000 };
	struct store *store = store_new(".", 1, 2, 3);
	assert_refused((struct stored){0}, 1, "cannot be opened");
	put(store, 0, 500);
	store_end(store);
	put(store, 0, LEN);
	struct stored stored = store_end(store);
	store_free(store);
	int fd = open(name, O_RDWR | O_CLOEXEC);
	for (int round = 0; round < 200; round++) {
		off_t at = 500 + (off_t)below(LEN);
		char byte = (char)(bytes[at - 500] ^ (1 << below(8)));
		assert_int_equal(pwrite(fd, &byte, 1, at), 1);
		assert_refused(stored, LEN, "other bytes");
		assert_int_equal(pwrite(fd, bytes + at - 500, 1, at), 1);
	}
	static const char zeros[512];
	assert_int_equal(pwrite(fd, zeros, 512, 4096), 512); /* torn */
	assert_refused(stored, LEN, "other bytes");
	assert_int_equal(pwrite(fd, bytes + 4096 - 500, 512, 4096), 512);
	assert_holds(stored, 0, LEN, 0, LEN);
	assert_int_equal(ftruncate(fd, 500 + LEN - 1), 0);
	assert_refused(stored, LEN, "ends before");
	assert_int_equal(ftruncate(fd, 100), 0);
	assert_refused(stored, LEN, "ends before");
	close(fd);
	unlink(name);
}

/* RLIMIT_FSIZE is a disk that becomes full within an output. */
static void
full_disk_takes_back_what_it_took(void **state)
{
	(void)state;
	struct rlimit before, limited;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limited = before;
	limited.rlim_cur = 50000;
	signal(SIGXFSZ, SIG_IGN);
	struct store *store = store_new(".", 1, 2, 3);
	put(store, 0, 30000);
	struct stored first = store_end(store);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limited), 0);
	struct err err;
	put(store, 0, 10000);
	int took = store_write(store, bytes, 30000, &err);
	store_drop(store);
	off_t size = -1;
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	size = lseek(fd, 0, SEEK_END);
	close(fd);
	put(store, 77, 20000);
	struct stored second = store_end(store);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(took, -1);
	assert_non_null(strstr(err.text, name));
	assert_int_equal(size, 30000);
	assert_int_equal(second.offset, 30000);
	assert_holds(first, 0, 30000, 0, 30000);
	assert_holds(second, 77, 20000, 0, 20000);
	store_drop(store); /* of nothing */
	put(store, 9, 9);
	assert_holds(store_end(store), 9, 9, 0, 9);
	store_free(store);
	unlink(name);
	store = store_new("/no/such/dir", 1, 2, 3);
	assert_int_equal(store_write(store, bytes, 1, &err), -1);
	assert_non_null(strstr(err.text, "No such file"));
	store_drop(store);
	assert_int_equal(store_write(store, bytes, 0, &err), 0);
	assert_int_equal(store_sync(store, &err), 0);
	store_free(store);
}

/* Also if all that was written is synced: the end of a run asks for that. */
static void
file_that_lost_its_name(void **state)
{
	(void)state;
	struct err err;
	struct store *store = store_new(".", 1, 2, 3);
	put(store, 0, 100);
	store_end(store);
	assert_int_equal(store_sync(store, &err), 0);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(store_sync(store, &err), -1);
	assert_non_null(strstr(err.text, "was removed"));
	store_free(store);
}

/* Outputs are read as soon as they are said to be there, while more are written behind them. */
static void
reading_while_writing(void **state)
{
	(void)state;
	enum { COUNT = 400 };
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct store *store = store_new(".", 1, 2, 3);
		for (size_t i = 0; i < COUNT; i++) {
			put(store, i, 1 + i * 50);
			struct stored stored = store_end(store);
			put(store, 0, 5000);
			store_drop(store);
			if (write(ends[1], &stored, sizeof(stored)) != sizeof(stored))
				_exit(1);
		}
		_exit(0);
	}
	close(ends[1]);
	for (size_t i = 0; i < COUNT; i++) {
		struct stored stored;
		assert_int_equal(read(ends[0], &stored, sizeof(stored)), sizeof(stored));
		assert_holds(stored, i, 1 + i * 50, 0, 1 + i * 50);
	}
	close(ends[0]);
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	unlink(name);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_is_of_the_bytes_not_of_the_cuts),
		cmocka_unit_test(hash_sees_every_change),
		cmocka_unit_test(outputs_lie_behind_each_other),
		cmocka_unit_test(reader_may_stop_and_must_not_ask_too_much),
		cmocka_unit_test(damage_is_found),
		cmocka_unit_test(full_disk_takes_back_what_it_took),
		cmocka_unit_test(file_that_lost_its_name),
		cmocka_unit_test(reading_while_writing),
	};
	seed = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : (unsigned)time(NULL);
	print_message("seed %u\n", seed);
	for (size_t i = 0; i < SIZE; i++)
		bytes[i] = (char)rand_r(&seed);
	return cmocka_run_group_tests(tests, scratch_make, scratch_leave);
}

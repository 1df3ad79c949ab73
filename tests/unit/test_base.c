/* The ground: errors, buffers, packing, CPU sets, and what a message may look like. */
#include "base/buf.h"
#include "base/clock.h"
#include "base/cpus.h"
#include "base/err.h"
#include "base/log.h"
#include "base/pack.h"
#include "base/streams.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* --- err --- */

static void
err_sets_and_wraps(void **state)
{
	(void)state;
	struct err err;
	assert_int_equal(err_set(&err, "line %d", 7), -1);
	assert_string_equal(err.text, "line 7");
	assert_int_equal(err_wrap(&err, "list %s", "a"), -1);
	assert_string_equal(err.text, "list a: line 7");
	assert_int_equal(err_set(NULL, "x"), -1);
	assert_int_equal(err_wrap(NULL, "x"), -1);
}

static void
err_takes_errno_as_it_was(void **state)
{
	(void)state;
	struct err err;
	errno = ENOENT;
	assert_int_equal(err_set_errno(&err, "open"), -1);
	assert_int_equal(errno, ENOENT);
	assert_string_equal(err.text, "open: No such file or directory");
	assert_int_equal(err_set_errno(NULL, "x"), -1);
}

static void
err_cuts_what_is_too_long(void **state)
{
	(void)state;
	struct err err;
	char text[2000];
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_set(&err, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	err_wrap(&err, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	err_set_errno(&err, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

/* --- buf --- */

enum { MODEL_BYTES = 1 << 20 };

static void
buf_is_a_queue_of_bytes(void **state)
{
	(void)state;
	unsigned int seed = 1;
	unsigned char *model = test_malloc(MODEL_BYTES);
	size_t put = 0, taken = 0;
	struct buf buf = {0};
	while (put + 1000 < MODEL_BYTES) {
		size_t more = (size_t)rand_r(&seed) % 1000;
		for (size_t i = 0; i < more; i++)
			model[put + i] = (unsigned char)rand_r(&seed);
		buf_append(&buf, model + put, more);
		put += more;
		size_t less = (size_t)rand_r(&seed) % 1000;
		buf_consume(&buf, less);
		taken = taken + less < put ? taken + less : put;
		assert_int_equal(buf.len, put - taken);
		if (buf.len)
			assert_memory_equal(buf.data, model + taken, buf.len);
	}
	buf_clear(&buf);
	assert_null(buf.data);
	assert_int_equal(buf.len, 0);
	test_free(model);
}

/* A long queue that moves on by little is not moved in memory at each step. */
static void
buf_moves_seldom(void **state)
{
	(void)state;
	struct buf buf = {0};
	char more[100] = "";
	memset(buf_room(&buf, 1 << 20), 'x', 1 << 20);
	buf_added(&buf, 1 << 20);
	int moves = 0;
	for (int i = 0; i < 10000; i++) {
		buf_consume(&buf, sizeof(more));
		const char *before = buf.data;
		buf_append(&buf, more, sizeof(more));
		moves += buf.data != before;
	}
	assert_in_range(moves, 0, 4);
	assert_in_range(buf.capacity, 1 << 20, 8 << 20);
	buf_clear(&buf);
}

static void
buf_keeps_its_memory_when_emptied(void **state)
{
	(void)state;
	struct buf buf = {0};
	buf_append_string(&buf, "abc");
	buf_printf(&buf, "%d-%s", 5, "x");
	assert_int_equal(buf.len, 6);
	assert_memory_equal(buf.data, "abc5-x", 6);
	const char *memory = buf.memory;
	buf_consume(&buf, 100);
	assert_int_equal(buf.len, 0);
	buf_printf(&buf, "%s", "");
	assert_int_equal(buf.len, 0);
	buf_append(&buf, NULL, 0);
	buf_append(&buf, "y", 1);
	assert_ptr_equal(buf.data, memory);
	buf_clear(&buf);
	buf_clear(&buf);
}

/* --- pack --- */

static void
pack_everything(struct buf *buf)
{
	pack_u8(buf, 0xfe);
	pack_u16(buf, 0xfedc);
	pack_u32(buf, 0xfedcba98);
	pack_u64(buf, UINT64_C(0xfedcba9876543210));
	pack_i64(buf, INT64_MIN);
	pack_string(buf, "text");
	pack_bytes(buf, "a\0b", 3);
	pack_string(buf, "");
}

static void
pack_round_trip(void **state)
{
	(void)state;
	struct buf buf = {0};
	size_t len;
	char room[5];
	pack_everything(&buf);
	assert_memory_equal(buf.data, "\xfe\xdc\xfe\x98\xba\xdc\xfe", 7);
	struct unpack in = unpack_init(buf.data, buf.len);
	assert_int_equal(unpack_u8(&in), 0xfe);
	assert_int_equal(unpack_u16(&in), 0xfedc);
	assert_int_equal(unpack_u32(&in), 0xfedcba98);
	assert_true(unpack_u64(&in) == UINT64_C(0xfedcba9876543210));
	assert_true(unpack_i64(&in) == INT64_MIN);
	unpack_string(&in, room, sizeof(room));
	assert_string_equal(room, "text");
	const char *bytes = unpack_bytes(&in, &len);
	assert_int_equal(len, 3);
	assert_memory_equal(bytes, "a\0b", 3);
	assert_false(unpack_ok(&in));
	char *text = unpack_string_new(&in);
	assert_string_equal(text, "");
	assert_true(unpack_ok(&in));
	free(text);
	buf_clear(&buf);
}

static void
pack_cut_short_is_bad(void **state)
{
	(void)state;
	struct buf buf = {0};
	pack_everything(&buf);
	for (size_t cut = 0; cut < buf.len; cut++) {
		char *copy = test_malloc(cut + 1); /* so that a read beyond is seen */
		char room[5];
		size_t len;
		memcpy(copy, buf.data, cut);
		struct unpack in = unpack_init(copy, cut);
		unpack_u8(&in);
		unpack_u16(&in);
		unpack_u32(&in);
		unpack_u64(&in);
		unpack_i64(&in);
		unpack_string(&in, room, sizeof(room));
		unpack_bytes(&in, &len);
		free(unpack_string_new(&in));
		assert_true(in.bad);
		assert_false(unpack_ok(&in));
		assert_int_equal(unpack_u8(&in), 0);
		assert_null(unpack_string_new(&in));
		test_free(copy);
	}
	buf_clear(&buf);
}

static void
pack_strings_that_are_none(void **state)
{
	(void)state;
	struct buf buf = {0};
	char room[4];
	pack_bytes(&buf, "a\0b", 3);
	struct unpack in = unpack_init(buf.data, buf.len);
	assert_null(unpack_string_new(&in));
	assert_true(in.bad);
	in = unpack_init(buf.data, buf.len);
	unpack_string(&in, room, sizeof(room));
	assert_true(in.bad);
	assert_string_equal(room, "");
	buf_consume(&buf, buf.len);
	pack_string(&buf, "four");
	in = unpack_init(buf.data, buf.len);
	unpack_string(&in, room, sizeof(room));
	assert_true(in.bad);
	buf_consume(&buf, buf.len);
	pack_u32(&buf, UINT32_MAX);
	pack_u8(&buf, 'x');
	in = unpack_init(buf.data, buf.len);
	assert_null(unpack_string_new(&in));
	in = unpack_init(NULL, 0);
	assert_true(unpack_ok(&in));
	assert_int_equal(unpack_u64(&in), 0);
	assert_false(unpack_ok(&in));
	buf_clear(&buf);
}

/* --- cpus --- */

static struct cpus
random_cpus(unsigned int *seed, bool *model)
{
	struct cpus set = {0};
	int density = rand_r(seed) % 4 + 1;
	for (int cpu = 0; cpu < CPUS_MAX; cpu++) {
		model[cpu] = rand_r(seed) % density == 0;
		if (model[cpu])
			cpus_add(&set, cpu);
	}
	return set;
}

static void
cpus_are_sets(void **state)
{
	(void)state;
	unsigned int seed = 2;
	bool in_a[CPUS_MAX], in_b[CPUS_MAX];
	for (int round = 0; round < 50; round++) {
		struct cpus a = random_cpus(&seed, in_a), b = random_cpus(&seed, in_b);
		struct cpus both = cpus_and(&a, &b), any = cpus_or(&a, &b);
		int count = 0;
		for (int cpu = 0; cpu < CPUS_MAX; cpu++) {
			assert_int_equal(cpus_has(&a, cpu), in_a[cpu]);
			assert_int_equal(cpus_has(&both, cpu), in_a[cpu] && in_b[cpu]);
			assert_int_equal(cpus_has(&any, cpu), in_a[cpu] || in_b[cpu]);
			count += in_a[cpu];
		}
		assert_int_equal(cpus_count(&a), count);
		assert_true(cpus_subset(&both, &a) && cpus_subset(&a, &any));
		struct cpus rest = cpus_without(&any, &b), back = cpus_or(&rest, &both);
		assert_true(cpus_equal(&back, &a) && !cpus_intersect(&rest, &b));
		assert_int_equal(cpus_subset(&any, &a), cpus_equal(&any, &a));
		assert_int_equal(cpus_intersect(&a, &b), !cpus_empty(&both));
	}
}

static void
cpus_beyond_are_ignored(void **state)
{
	(void)state;
	struct cpus set = {0};
	cpus_add(&set, -1);
	cpus_add(&set, CPUS_MAX);
	assert_true(cpus_empty(&set));
	assert_false(cpus_has(&set, -1));
	assert_false(cpus_has(&set, CPUS_MAX));
	cpus_add(&set, CPUS_MAX - 1);
	assert_int_equal(cpus_count(&set), 1);
}

static void
cpus_as_text(void **state)
{
	(void)state;
	struct cpus set = {0};
	char text[CPUS_TEXT_MAX];
	assert_string_equal(cpus_format(&set, text, sizeof(text)), "");
	for (int cpu = 0; cpu < 4; cpu++)
		cpus_add(&set, cpu);
	cpus_add(&set, 8);
	cpus_add(&set, CPUS_MAX - 1);
	assert_string_equal(cpus_format(&set, text, sizeof(text)), "0-3,8,4095");
	char small[6];
	cpus_format(&set, small, sizeof(small));
	assert_true(strlen(small) < sizeof(small));
	struct cpus every_other = {0};
	for (int cpu = 0; cpu < CPUS_MAX; cpu += 2)
		cpus_add(&every_other, cpu);
	cpus_format(&every_other, text, sizeof(text));
	assert_string_equal(text + strlen(text) - 5, ",4094");
}

static void
cpus_from_text(void **state)
{
	(void)state;
	static char text[CPUS_TEXT_MAX];
	static bool model[CPUS_MAX];
	static const char *const none[] = {"", "x", "1,", ",1", "1-", "-1", "1-2-3", "1 2", "4096",
		"0-4096", "99999999999999999999", "1,x"};
	unsigned int seed = 7;
	for (int round = 0; round < 20; round++) {
		struct cpus set = random_cpus(&seed, model);
		struct cpus back = cpus_parse(cpus_format(&set, text, sizeof(text)));
		assert_true(cpus_equal(&set, &back));
	}
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		struct cpus set = cpus_parse(none[i]);
		if (!cpus_empty(&set))
			fail_msg("'%s' is no list of CPUs", none[i]);
	}
}

static void
cpus_as_bytes(void **state)
{
	(void)state;
	unsigned int seed = 3;
	bool model[CPUS_MAX];
	struct buf buf = {0};
	struct cpus none = {0}, some = random_cpus(&seed, model);
	cpus_pack(&buf, &none);
	assert_int_equal(buf.len, 2);
	cpus_pack(&buf, &some);
	struct unpack in = unpack_init(buf.data, buf.len);
	struct cpus got = cpus_unpack(&in);
	assert_true(cpus_equal(&got, &none));
	got = cpus_unpack(&in);
	assert_true(unpack_ok(&in) && cpus_equal(&got, &some));
	in = unpack_init(buf.data, buf.len - 1);
	cpus_unpack(&in);
	cpus_unpack(&in);
	assert_true(in.bad);
	buf_consume(&buf, buf.len);
	pack_u16(&buf, CPUS_MAX / 64 + 1);
	for (int i = 0; i <= CPUS_MAX / 64; i++)
		pack_u64(&buf, 1);
	in = unpack_init(buf.data, buf.len);
	cpus_unpack(&in);
	assert_true(in.bad);
	buf_clear(&buf);
}

/* --- log --- */

static char printed[8192];

/* What the last read(2) of a pipe in place of stderr gave, "" for nothing. */
static const char *
capture(void (*say)(void))
{
	int ends[2], saved = dup(STDERR_FILENO);
	assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
	dup2(ends[1], STDERR_FILENO);
	say();
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	ssize_t len = read(ends[0], printed, sizeof(printed) - 1);
	printed[len > 0 ? len : 0] = '\0';
	close(ends[0]);
	return printed;
}

static void
say_controls(void)
{
	log_warning("a\nb\x1b[31m\tc\x7f\rd \xc3\xa9");
}

static void
say_all_kinds(void)
{
	log_info("one");
	log_warning("two");
	log_error("%s", "three");
}

static void
say_too_much(void)
{
	char text[5000];
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_error("%s", text);
}

static void
wipe(void)
{
	ssize_t ignored = write(STDERR_FILENO, "<wiped>", 7);
	(void)ignored;
}

static void
log_makes_control_characters_visible(void **state)
{
	(void)state;
	log_init(-1, false);
	assert_string_equal(capture(say_controls), "mpbatch: warning: a?b?[31m?c??d \xc3\xa9\n");
}

static void
log_says_who_and_what(void **state)
{
	(void)state;
	log_init(3, false);
	assert_string_equal(capture(say_all_kinds),
		"mpbatch[3]: one\nmpbatch[3]: warning: two\nmpbatch[3]: error: three\n");
	log_init(-1, true);
	log_before_line(wipe);
	assert_string_equal(capture(say_all_kinds), "<wiped>mpbatch: error: three\n");
	log_before_line(NULL);
}

static void
log_cuts_but_ends_the_line(void **state)
{
	(void)state;
	log_init(-1, false);
	const char *text = capture(say_too_much);
	size_t len = strlen(text);
	assert_in_range(len, 1000, 2048);
	assert_ptr_equal(strchr(text, '\n'), text + len - 1);
}

static void
leave_by(int status)
{
	_exit(status + 100);
}

static void
die_in_child(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		log_on_die(leave_by);
		die(4, "enough");
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 104);
}

static void
die_prints_and_calls_the_hook(void **state)
{
	(void)state;
	log_init(-1, true);
	assert_string_equal(capture(die_in_child), "mpbatch: error: enough\n");
}

/* --- streams --- */

static void
streams_take_turns_at_the_end_of_lines(void **state)
{
	(void)state;
	assert_true(streams_may_write(STDOUT_FILENO) && streams_may_write(STDERR_FILENO));
	streams_alternate();
	streams_wrote(STDOUT_FILENO, true);
	assert_true(streams_may_write(STDOUT_FILENO));
	assert_false(streams_may_write(STDERR_FILENO));
	assert_true(streams_due_ns() == CLOCK_NEVER);
	streams_wrote(STDOUT_FILENO, false);
	assert_false(streams_may_write(STDERR_FILENO));
	assert_true(streams_due_ns() < clock_now_ns() + CLOCK_NS_PER_S);
	streams_wait(STDERR_FILENO);
	streams_wrote(STDERR_FILENO, false);
	assert_true(streams_due_ns() == CLOCK_NEVER);
	assert_true(streams_may_write(STDERR_FILENO));
	assert_true(streams_may_write(99));
}

int
main(void)
{
	alarm(120);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(err_sets_and_wraps),
		cmocka_unit_test(err_takes_errno_as_it_was),
		cmocka_unit_test(err_cuts_what_is_too_long),
		cmocka_unit_test(buf_is_a_queue_of_bytes),
		cmocka_unit_test(buf_moves_seldom),
		cmocka_unit_test(buf_keeps_its_memory_when_emptied),
		cmocka_unit_test(pack_round_trip),
		cmocka_unit_test(pack_cut_short_is_bad),
		cmocka_unit_test(pack_strings_that_are_none),
		cmocka_unit_test(cpus_are_sets),
		cmocka_unit_test(cpus_beyond_are_ignored),
		cmocka_unit_test(cpus_as_text),
		cmocka_unit_test(cpus_from_text),
		cmocka_unit_test(cpus_as_bytes),
		cmocka_unit_test(log_makes_control_characters_visible),
		cmocka_unit_test(log_says_who_and_what),
		cmocka_unit_test(log_cuts_but_ends_the_line),
		cmocka_unit_test(die_prints_and_calls_the_hook),
		cmocka_unit_test(streams_take_turns_at_the_end_of_lines),
	};
	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}

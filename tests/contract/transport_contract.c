/* The clauses of the transport's contract. */
#include "transport_contract.h"

#include "base/clock.h"
#include "base/log.h"
#include "comm/transport.h"

#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BIG = 20 * 1000 * 1000, POLL_CAP_NS = 50 * 1000 * 1000, PENDING_NS = 100 * 1000 };

struct clause {
	const char *name;
	void (*step)(struct contract_end *end); /* sends what is due; may be called often */
	void (*got)(struct contract_end *end, int peer, const unsigned char *data, size_t len);
	bool (*over)(const struct contract_end *end);
	/* Of flows: how many messages FROM sends TO, how long each is, how many per step. */
	int (*count)(int size, int from, int to);
	size_t (*len)(int i);
	int burst;
};

enum clause_number { SIZES, ORDER, UNRECEIVED, BOTH_WAYS, FAIR, HELD, SLEEP, DRAIN, CLAUSES };

struct contract_end {
	struct transport *transport;
	const struct contract_options *options;
	enum clause_number clause;
	int *sent;     /* of each flow to each peer: [clause * size + peer] */
	int *received; /* from each peer */
	int flooded, acked;
	bool fair_over;
	bool held; /* must not touch its transport while PATH exists */
	char path[64];
	int hold_fd; /* of 0, what PATH stands for */
	int fruitless;
	bool here, spoke, big, begun, slept;
};

static const struct clause clauses[CLAUSES];
static const char *volatile stage = "start";

static void fail(const struct contract_end *end, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));

static void
fail(const struct contract_end *end, const char *format, ...)
{
	char what[256], text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	snprintf(text, sizeof(text), "endpoint %d of %d, \"%s\": %s", end->transport->self,
		end->transport->size, clauses[end->clause].name, what);
	end->options->fail(text);
}

static void
timed_out(int number)
{
	static const char text[] = "contract: out of time in: ";
	const char *name = stage;
	ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);
	ignored = write(STDERR_FILENO, name, strlen(name));
	ignored = write(STDERR_FILENO, "\n", 1);
	(void)ignored;
	(void)number;
	_exit(1);
}

void
contract_watch(unsigned seconds)
{
	signal(SIGALRM, timed_out);
	alarm(seconds);
}

/* --- messages --- */

static unsigned char
byte_of(int from, int to, int i, size_t at)
{
	return (unsigned char)((unsigned)from * 7 + (unsigned)to * 13 + (unsigned)i * 17 +
			       (unsigned)at * 31 + (unsigned)(at >> 8));
}

/* The I-th message of a flow; its bytes say from where, to where, and which. */
static void
send_numbered(struct contract_end *end, enum clause_number clause, int peer, int i, size_t len)
{
	unsigned char *data = xmalloc(len);
	data[0] = (unsigned char)clause;
	for (size_t at = 1; at < len; at++)
		data[at] = byte_of(end->transport->self, peer, i, at);
	transport_send(end->transport, peer, data, len);
	memset(data, 0, len); /* it must have been copied */
	free(data);
}

static void
check_numbered(const struct contract_end *end, int peer, int i, size_t wanted,
	const unsigned char *data, size_t len)
{
	if (len != wanted)
		fail(end, "message %d from %d has %zu bytes, not %zu", i, peer, len, wanted);
	for (size_t at = 1; at < len; at++)
		if (data[at] != byte_of(peer, end->transport->self, i, at))
			fail(end, "message %d from %d is wrong at byte %zu", i, peer, at);
}

static void
send_word(
	struct contract_end *end, enum clause_number clause, int peer, char kind, const char *text)
{
	char data[128] = {(char)clause, kind};
	snprintf(data + 2, sizeof(data) - 2, "%s", text);
	transport_send(end->transport, peer, data, 2 + strlen(text) + 1);
}

/* --- flows: so many messages from A to B --- */

static void
flow_step(struct contract_end *end)
{
	const struct clause *clause = &clauses[end->clause];
	int size = end->transport->size, self = end->transport->self;
	for (int peer = 0; peer < size; peer++) {
		int *sent = &end->sent[(int)end->clause * size + peer];
		int count = clause->count(size, self, peer);
		for (int i = 0; i < clause->burst && *sent < count; i++, (*sent)++)
			send_numbered(end, end->clause, peer, *sent, clause->len(*sent));
	}
}

static void
flow_got(struct contract_end *end, int peer, const unsigned char *data, size_t len)
{
	const struct clause *clause = &clauses[data[0]];
	int size = end->transport->size;
	int *received = &end->received[data[0] * size + peer];
	if (*received == clause->count(size, peer, end->transport->self))
		fail(end, "more messages from %d than it sent", peer);
	check_numbered(end, peer, *received, clause->len(*received), data, len);
	(*received)++;
}

static bool
flow_over(const struct contract_end *end)
{
	const struct clause *clause = &clauses[end->clause];
	int size = end->transport->size, self = end->transport->self;
	for (int peer = 0; peer < size; peer++) {
		int at = (int)end->clause * size + peer;
		if (end->sent[at] < clause->count(size, self, peer) ||
			end->received[at] < clause->count(size, peer, self))
			return false;
	}
	return true;
}

static const size_t sizes[] = {
	1, 2, 3, 64, 1000, 4095, 4096, 4097, 65535, 65536, 65537, 1 << 20, BIG};
enum { NSIZES = sizeof(sizes) / sizeof(*sizes) };

/* The big one to the next endpoint only. */
static int
sizes_count(int size, int from, int to)
{
	return to == (from + 1) % size ? NSIZES : NSIZES - 1;
}

static size_t
sizes_len(int i)
{
	return sizes[i];
}

static int
order_count(int size, int from, int to)
{
	(void)size;
	(void)from;
	(void)to;
	return 300;
}

/* Small ones must not overtake large ones. */
static size_t
order_len(int i)
{
	return i % 5 ? 16 + (size_t)i : 100000;
}

/* Between 0 and 1, both ways, all before either receives. */
static int
unreceived_count(int size, int from, int to)
{
	return from < 2 && to == (from + 1) % (size < 2 ? 1 : 2) ? 1000 : 0;
}

static size_t
unreceived_len(int i)
{
	(void)i;
	return 65536;
}

static int
both_ways_count(int size, int from, int to)
{
	(void)from;
	(void)to;
	return 20000 / size;
}

static size_t
both_ways_len(int i)
{
	return 2 + (size_t)i % 100;
}

/* Everybody but 0 sends to it and closes at once. */
static int
drain_count(int size, int from, int to)
{
	(void)size;
	return from > 0 && to == 0 ? 200 : 0;
}

static size_t
drain_len(int i)
{
	return i % 2 ? 100 : 65536;
}

/* --- fair: 1 floods 0 until 0 has heard of 2 --- */

enum { FLOOD_AHEAD = 1000, FLOOD_ACK = 100, FLOOD_SPEAK = 2000 };

static void
fair_step(struct contract_end *end)
{
	if (end->transport->size < 3 || end->transport->self != 1)
		return;
	for (; !end->fair_over && end->flooded - end->acked < FLOOD_AHEAD; end->flooded++)
		send_word(end, FAIR, 0, 'f', "flood");
}

static void
fair_got(struct contract_end *end, int peer, const unsigned char *data, size_t len)
{
	(void)len;
	switch (data[1]) {
	case 'f': /* at 0 */
		end->flooded++;
		if (!end->fair_over && end->flooded % FLOOD_ACK == 0)
			send_word(end, FAIR, 1, 'a', "");
		if (end->flooded == FLOOD_SPEAK)
			send_word(end, FAIR, 2, 's', "speak");
		break;
	case 'a': /* at 1 */
		end->acked += FLOOD_ACK;
		break;
	case 's': /* at 2, and its answer at 0, and that one's end at 1 */
		end->fair_over = true;
		if (end->transport->self != 1)
			send_word(end, FAIR, end->transport->self == 2 ? 0 : 1, 's', "");
		break;
	default:
		fail(end, "a bad message from %d", peer);
	}
}

static bool
fair_over(const struct contract_end *end)
{
	return end->transport->size < 3 || end->transport->self > 2 || end->fair_over;
}

/*
 * --- held: 1 stops in the middle of a big message to 0, which must hear 2 all the same ---
 *
 * 0 says by what it holds 1; 1 answers, so nothing older of its is under way; each sends the other
 * a big message, and 1 stops. After a while 0 lets 2 speak, and having heard it, lets 1 go.
 *
 * What holds it is a descriptor of 0's: it can be seen without the transport, and vanishes with its
 * process. All on one host, then.
 */

enum { HELD_FRUITLESS = 50, HOLD_FD = 200 };

static void
held_begin(struct contract_end *end)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	end->hold_fd = fcntl(fd, F_DUPFD_CLOEXEC, HOLD_FD);
	close(fd);
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), end->hold_fd);
	if (access(path, F_OK) < 0)
		fail(end, "no %s", path);
	send_word(end, HELD, 1, 'h', path);
}

/* After a fruitless receive at 0. */
static void
held_wait(struct contract_end *end)
{
	int64_t sleep = transport_sleep_ns(end->transport, POLL_CAP_NS);
	if (end->options->polls && sleep > PENDING_NS)
		fail(end, "sleeps %lld ns with a send under way", (long long)sleep);
	if (++end->fruitless == HELD_FRUITLESS)
		send_word(end, HELD, 2, 's', "speak");
}

static void
held_step(struct contract_end *end)
{
	if (end->transport->size < 3 || end->transport->self != 0)
		return;
	if (!end->begun)
		held_begin(end);
	else if (end->here && !end->spoke)
		held_wait(end);
	end->begun = true;
}

static void
held_got(struct contract_end *end, int peer, const unsigned char *data, size_t len)
{
	if (len == BIG) {
		check_numbered(end, peer, 0, BIG, data, len);
		end->big = true;
	} else if (data[1] == 'h' && end->transport->self == 1) {
		snprintf(end->path, sizeof(end->path), "%s", (const char *)data + 2);
		send_word(end, HELD, 0, 'h', "here");
	} else if (data[1] == 'h') {
		end->here = true;
		send_word(end, HELD, 1, 'g', "go");
		send_numbered(end, HELD, 1, 0, BIG);
	} else if (data[1] == 'g') {
		end->held = true;
		send_numbered(end, HELD, 0, 0, BIG);
	} else if (end->transport->self == 2) {
		end->spoke = true;
		send_word(end, HELD, 0, 's', "");
	} else {
		end->spoke = true;
		close(end->hold_fd);
	}
}

static bool
held_over(const struct contract_end *end)
{
	if (end->transport->size < 3 || end->transport->self > 2)
		return true;
	return end->transport->self == 2   ? end->spoke
	       : end->transport->self == 1 ? end->big
					   : end->spoke && end->big;
}

/* --- sleep: alone, so that nobody else's message comes --- */

static int64_t
fruitless_sleep(struct contract_end *end)
{
	int peer;
	const void *data;
	size_t len;
	if (transport_receive(end->transport, &peer, &data, &len) != TRANSPORT_NOTHING)
		fail(end, "a message that nobody sent");
	return transport_sleep_ns(end->transport, POLL_CAP_NS);
}

/* Fruitless calls; the first must allow no sleep, the last the whole cap. */
static void
check_growth(struct contract_end *end)
{
	int64_t sleep = fruitless_sleep(end);
	if (sleep != (end->options->polls ? 0 : CLOCK_NEVER))
		fail(end, "first sleeps %lld ns", (long long)sleep);
	for (int i = 0; i < 40; i++) {
		int64_t next = fruitless_sleep(end);
		if (next < sleep || (end->options->polls && next > POLL_CAP_NS))
			fail(end, "sleeps %lld, then %lld ns", (long long)sleep, (long long)next);
		sleep = next;
	}
	if (sleep != (end->options->polls ? POLL_CAP_NS : CLOCK_NEVER))
		fail(end, "never sleeps to the cap");
}

static void
sleep_step(struct contract_end *end)
{
	if (end->slept || end->transport->size > 1)
		return;
	end->slept = true;
	int peer;
	const void *data;
	size_t len;
	for (int round = 0; round < 3; round++) {
		send_word(end, SLEEP, 0, 'x', "");
		if (transport_sleep_ns(end->transport, POLL_CAP_NS) != 0)
			fail(end, "sleeps though a message is here");
		while (transport_receive(end->transport, &peer, &data, &len) != TRANSPORT_MESSAGE)
			;
		check_growth(end);
	}
}

static void
sleep_got(struct contract_end *end, int peer, const unsigned char *data, size_t len)
{
	(void)end;
	(void)peer;
	(void)data;
	(void)len;
}

static bool
sleep_over(const struct contract_end *end)
{
	return end->slept || end->transport->size > 1;
}

/* --- the whole --- */

#define FLOW .step = flow_step, .got = flow_got, .over = flow_over

static const struct clause clauses[CLAUSES] = {
	[SIZES] = {"sizes", FLOW, sizes_count, sizes_len, 1},
	[ORDER] = {"order", FLOW, order_count, order_len, 300},
	[UNRECEIVED] = {"send does not block", FLOW, unreceived_count, unreceived_len, 1000},
	[BOTH_WAYS] = {"many both ways", FLOW, both_ways_count, both_ways_len, 200},
	[FAIR] = {"a flood starves nobody", fair_step, fair_got, fair_over, .burst = 0},
	[HELD] = {"a silent peer", held_step, held_got, held_over, .burst = 0},
	[SLEEP] = {"sleep", sleep_step, sleep_got, sleep_over, .burst = 0},
	[DRAIN] = {"drain", FLOW, drain_count, drain_len, 200},
};
static_assert(DRAIN == CLAUSES - 1, "close comes last");

struct contract_end *
contract_begin(struct transport *transport, const struct contract_options *options)
{
	struct contract_end *end = xcalloc(1, sizeof(*end));
	unsigned long cells = CLAUSES * (unsigned long)transport->size;
	end->transport = transport;
	end->options = options;
	end->sent = xcalloc(cells, sizeof(*end->sent));
	end->received = xcalloc(cells, sizeof(*end->received));
	return end;
}

static bool
is_held(struct contract_end *end)
{
	end->held = end->held && access(end->path, F_OK) == 0;
	return end->held;
}

static void
receive_all(struct contract_end *end)
{
	int peer;
	const void *data;
	size_t len;
	while (!end->held) {
		enum transport_received got = transport_receive(end->transport, &peer, &data, &len);
		if (got == TRANSPORT_NOTHING)
			return;
		const unsigned char *bytes = data;
		if (got == TRANSPORT_LOST)
			fail(end, "%d is lost", peer);
		if (peer < 0 || peer >= end->transport->size || !len || bytes[0] >= CLAUSES)
			fail(end, "a bad message from %d", peer);
		clauses[bytes[0]].got(end, peer, bytes, len);
	}
}

static void
finish(struct contract_end *end)
{
	stage = "close";
	transport_close(end->transport, TRANSPORT_DRAIN);
	free(end->sent);
	free(end->received);
	free(end);
}

bool
contract_step(struct contract_end *end, int64_t *sleep_ns)
{
	*sleep_ns = CLOCK_NS_PER_MS;
	if (is_held(end))
		return true;
	stage = clauses[end->clause].name;
	clauses[end->clause].step(end);
	receive_all(end);
	if (end->held)
		return true;
	while (clauses[end->clause].over(end)) {
		*sleep_ns = 0;
		if (end->clause == DRAIN) {
			finish(end);
			return false;
		}
		end->clause++;
		clauses[end->clause].step(end);
	}
	if (*sleep_ns)
		*sleep_ns = transport_sleep_ns(end->transport, CLOCK_NS_PER_MS);
	return true;
}

/* Earlier sessions, and what of them a list still has. */
#include "run/resume.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "run/reader.h"
#include "run/store.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is known of a place: a verdict plus one, 0 for nothing; whether the list has it there; and,
 * while journals are read, whether a success there has lost its output. */
enum { KNOWN_MASK = 3, PLACED = 4, OUTPUT_LOST = 8 };

/* Leftovers, what is not at its old place, are their identities with the last bit told apart: 0 for
 * a success, 1 for a failure; so successes come first when they are sorted. */
enum { LEFT_FAILED = 1, BUCKET_SHIFT = 48, BUCKETS = 1 << 16, TOP_BYTE = 56, FEW = 32 };

struct resume {
	uint64_t *ids; /* by index - 1; once the list is placed: the leftovers, sorted */
	unsigned char *places;
	size_t room;
	uint64_t known; /* the highest index */
	uint64_t
		*replaced; /* leftovers while journals are read: another task came to their place */
	size_t nreplaced, replaced_room;
	size_t nleftovers;
	size_t *buckets; /* where the leftovers begin that have these top bits */
	/* A bit a leftover each: it is matched; and it is a success that a failure was left for. */
	unsigned char *used, *turned;
	struct resume_counts counts;
	uint64_t asked;	 /* the last index whose verdict was */
	uint64_t placed; /* successes at their place, and how many of them were asked for */
	uint64_t met;
	uint64_t moved;
	uint64_t unmatched;
};

static uint8_t
known_as(enum resume_verdict verdict)
{
	return (uint8_t)(verdict + 1);
}

static enum resume_verdict
verdict_of(unsigned known)
{
	return (enum resume_verdict)(known - 1);
}

/* --- loading --- */

static uint64_t
leftover(uint64_t id, uint8_t known)
{
	uint64_t failed = known == known_as(RESUME_FAILED) ? LEFT_FAILED : 0;
	return (id & ~(uint64_t)LEFT_FAILED) | failed;
}

/* Another task comes to its place. */
static void
add_replaced(struct resume *resume, uint64_t id, uint8_t known)
{
	if (known < known_as(RESUME_FAILED))
		return;
	if (resume->nreplaced == resume->replaced_room) {
		resume->replaced_room = resume->replaced_room ? 2 * resume->replaced_room : 256;
		resume->replaced = xrealloc(
			resume->replaced, resume->replaced_room * sizeof(*resume->replaced));
	}
	resume->replaced[resume->nreplaced++] = leftover(id, known);
}

static void
make_room(struct resume *resume, uint64_t index)
{
	if (index <= resume->room)
		return;
	size_t room = (size_t)index + (size_t)index / 4 + 1024;
	resume->ids = xrealloc(resume->ids, room * sizeof(*resume->ids));
	resume->places = xrealloc(resume->places, room);
	memset(resume->places + resume->room, 0, room - resume->room);
	resume->room = room;
}

/* The most that was ever achieved at a place counts, as long as it is the same task. */
static void
add_record(
	struct resume *resume, uint64_t index, uint64_t id, enum resume_verdict verdict, bool lost)
{
	make_room(resume, index);
	unsigned char *place = &resume->places[index - 1];
	if (*place && resume->ids[index - 1] != id) {
		add_replaced(resume, resume->ids[index - 1], *place & KNOWN_MASK);
		*place = 0;
	}
	resume->ids[index - 1] = id;
	if (known_as(verdict) > (*place & KNOWN_MASK))
		*place = known_as(verdict) | (*place & OUTPUT_LOST);
	if (lost)
		*place |= OUTPUT_LOST;
	if (index > resume->known)
		resume->known = index;
}

/* Its output is still where it was put. */
static bool
is_stored(const char *run_dir, const struct reader_record *record)
{
	char name[STORE_NAME_MAX];
	struct err ignored;
	snprintf(name, sizeof(name), "%.*s", (int)record->store_name.len, record->store_name.text);
	return store_verify(run_dir, name,
		       (struct stored){.offset = record->stored_at, .sum = record->stored_sum},
		       record->result.out_bytes + record->result.err_bytes, &ignored) == 0;
}

static enum resume_verdict
judge(const char *run_dir, const struct reader_record *record)
{
	if (record->result.reason == RESULT_CANCELLED)
		return RESUME_NEW;
	if (record->result.reason != RESULT_OK)
		return RESUME_FAILED;
	return !record->stored || is_stored(run_dir, record) ? RESUME_DONE : RESUME_NEW;
}

static int
load_session(struct resume *resume, const char *run_dir, int session, struct err *err)
{
	struct buf path = {0};
	buf_printf(&path, "%s/journal.%d.tsv%c", run_dir, session, 0);
	struct reader *reader = reader_open(path.data, err);
	buf_clear(&path);
	if (!reader)
		return -1;
	reader_be_brief(reader);
	struct reader_record record;
	int got;
	while ((got = reader_next(reader, &record, err)) > 0) {
		enum resume_verdict verdict = judge(run_dir, &record);
		bool lost = verdict == RESUME_NEW && record.result.reason == RESULT_OK;
		if (record.result.index)
			add_record(resume, record.result.index, record.id, verdict, lost);
	}
	resume->counts.damaged += reader_damaged(reader, NULL) + reader_torn(reader);
	reader_free(reader);
	return got;
}

static void
count_places(struct resume *resume)
{
	for (uint64_t i = 0; i < resume->known; i++) {
		uint8_t known = resume->places[i] & KNOWN_MASK;
		resume->counts.succeeded += known == known_as(RESUME_DONE);
		resume->counts.failed += known == known_as(RESUME_FAILED);
		resume->counts.lost_outputs +=
			known != known_as(RESUME_DONE) && resume->places[i] & OUTPUT_LOST;
		resume->places[i] = known;
	}
	for (size_t i = 0; i < resume->nreplaced; i++)
		resume->counts.succeeded += !(resume->replaced[i] & LEFT_FAILED);
}

struct resume *
resume_load(const char *run_dir, struct err *err)
{
	struct resume *resume = xcalloc(1, sizeof(*resume));
	size_t count;
	int *sessions = reader_sessions(run_dir, &count);
	int got = 0;
	for (size_t i = 0; i < count && got == 0; i++)
		got = load_session(resume, run_dir, sessions[i], err);
	if (count)
		resume->counts.sessions = sessions[count - 1];
	free(sessions);
	count_places(resume);
	if (got == 0)
		return resume;
	resume_free(resume);
	return NULL;
}

void
resume_free(struct resume *resume)
{
	if (!resume)
		return;
	free(resume->ids);
	free(resume->places);
	free(resume->replaced);
	free(resume->buckets);
	free(resume->used);
	free(resume->turned);
	free(resume);
}

struct resume_counts
resume_counts(const struct resume *resume)
{
	return resume->counts;
}

uint64_t
resume_known(const struct resume *resume)
{
	return resume->known;
}

/* --- matching --- */

void
resume_place(struct resume *resume, uint64_t index, uint64_t id)
{
	if (index <= resume->known && resume->places[index - 1] && resume->ids[index - 1] == id)
		resume->places[index - 1] |= PLACED;
}

/* By bytes from the top, in place: qsort() would double the memory. */
static void
sort(uint64_t *keys, size_t count, int shift)
{
	if (count <= FEW || shift < 0) {
		for (size_t i = 1; i < count; i++) {
			uint64_t key = keys[i];
			size_t k = i;
			for (; k && keys[k - 1] > key; k--)
				keys[k] = keys[k - 1];
			keys[k] = key;
		}
		return;
	}
	size_t starts[257] = {0}, next[256];
	for (size_t i = 0; i < count; i++)
		starts[(keys[i] >> shift & 255) + 1]++;
	for (int byte = 0; byte < 256; byte++) {
		next[byte] = starts[byte];
		starts[byte + 1] += starts[byte];
	}
	for (int byte = 0; byte < 256; byte++)
		while (next[byte] < starts[byte + 1]) {
			uint64_t key = keys[next[byte]];
			size_t *to = &next[key >> shift & 255];
			keys[next[byte]] = keys[*to];
			keys[(*to)++] = key;
		}
	for (int byte = 0; byte < 256; byte++)
		sort(keys + starts[byte], starts[byte + 1] - starts[byte], shift - 8);
}

/* What is not placed moves to the front of IDS, so that there is one array. */
static void
collect_leftovers(struct resume *resume)
{
	size_t count = 0;
	for (uint64_t i = 0; i < resume->known; i++)
		if (!(resume->places[i] & PLACED) && resume->places[i] >= known_as(RESUME_FAILED))
			resume->ids[count++] = leftover(resume->ids[i], resume->places[i]);
	if (count + resume->nreplaced > resume->room)
		resume->ids =
			xrealloc(resume->ids, (count + resume->nreplaced) * sizeof(*resume->ids));
	for (size_t i = 0; i < resume->nreplaced; i++)
		resume->ids[count++] = resume->replaced[i];
	resume->nleftovers = count;
}

void
resume_placed(struct resume *resume)
{
	for (uint64_t i = 0; i < resume->known; i++)
		resume->placed += resume->places[i] == (known_as(RESUME_DONE) | PLACED);
	collect_leftovers(resume);
	sort(resume->ids, resume->nleftovers, TOP_BYTE);
	resume->used = xcalloc(resume->nleftovers / 8 + 1, 1);
	resume->turned = xcalloc(resume->nleftovers / 8 + 1, 1);
	resume->buckets = xcalloc(BUCKETS + 1, sizeof(*resume->buckets));
	for (size_t i = 0; i < resume->nleftovers; i++) {
		resume->buckets[(resume->ids[i] >> BUCKET_SHIFT) + 1]++;
		resume->unmatched += !(resume->ids[i] & LEFT_FAILED);
	}
	for (size_t i = 0; i < BUCKETS; i++)
		resume->buckets[i + 1] += resume->buckets[i];
}

static bool
has_bit(const unsigned char *bits, size_t at)
{
	return bits[at / 8] >> at % 8 & 1;
}

static void
set_bit(unsigned char *bits, size_t at)
{
	bits[at / 8] |= (unsigned char)(1 << at % 8);
}

static uint64_t
key_of(const struct resume *resume, size_t at)
{
	return resume->ids[at] | (has_bit(resume->turned, at) ? LEFT_FAILED : 0);
}

/* AT is the first of that id that is not used up, successes being first; or, with FAILED, that has
 * failed as well; or else what comes behind all of that id: then false. */
static bool
find_leftover(const struct resume *resume, uint64_t id, bool failed, size_t *at)
{
	uint64_t first = leftover(id, known_as(RESUME_DONE));
	size_t bucket = id >> BUCKET_SHIFT;
	size_t low = resume->buckets[bucket], high = resume->buckets[bucket + 1], end = high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		uint64_t key = key_of(resume, middle);
		bool passed = has_bit(resume->used, middle) || (failed && !(key & LEFT_FAILED));
		bool before = key < first || (key - first <= LEFT_FAILED && passed);
		low = before ? middle + 1 : low;
		high = before ? high : middle;
	}
	*at = low;
	return low < end && key_of(resume, low) - first <= LEFT_FAILED;
}

/* The best of what is left of that id, which is used up, if it is better than OWN. A failure of its
 * own is what is left then, for another equal task: it takes the place of the last success. */
static enum resume_verdict
take_leftover(struct resume *resume, uint64_t id, enum resume_verdict own)
{
	size_t at, behind;
	if (!find_leftover(resume, id, false, &at))
		return own;
	enum resume_verdict found = key_of(resume, at) & LEFT_FAILED ? RESUME_FAILED : RESUME_DONE;
	if (found <= own)
		return own;
	if (own == RESUME_FAILED) {
		find_leftover(resume, id, true, &behind);
		set_bit(resume->turned, behind - 1);
	} else {
		set_bit(resume->used, at);
	}
	if (found == RESUME_DONE) {
		resume->moved++;
		resume->unmatched--;
	}
	return found;
}

enum resume_verdict
resume_verdict(struct resume *resume, uint64_t index, uint64_t id)
{
	enum resume_verdict own = RESUME_NEW;
	resume->asked = index;
	if (index <= resume->known && resume->places[index - 1] & PLACED)
		own = verdict_of(resume->places[index - 1] & KNOWN_MASK);
	resume->met += own == RESUME_DONE;
	return own == RESUME_DONE ? own : take_leftover(resume, id, own);
}

bool
resume_was_done_at(const struct resume *resume, uint64_t index)
{
	return index <= resume->known &&
	       (resume->places[index - 1] & KNOWN_MASK) == known_as(RESUME_DONE);
}

bool
resume_is_unmatched(const struct resume *resume, uint64_t id)
{
	size_t at;
	return find_leftover(resume, id, false, &at) && !(key_of(resume, at) & LEFT_FAILED);
}

void
resume_again(struct resume *resume)
{
	memset(resume->used, 0, resume->nleftovers / 8 + 1);
	memset(resume->turned, 0, resume->nleftovers / 8 + 1);
	resume->unmatched += resume->moved;
	resume->moved = resume->met = resume->asked = 0;
}

uint64_t
resume_asked(const struct resume *resume)
{
	return resume->asked;
}

uint64_t
resume_ahead(const struct resume *resume)
{
	return resume->placed - resume->met;
}

uint64_t
resume_moved(const struct resume *resume)
{
	return resume->moved;
}

uint64_t
resume_unmatched(const struct resume *resume)
{
	return resume->unmatched;
}

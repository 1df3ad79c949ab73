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

/* What is known of a place: a verdict plus one, 0 for nothing; and whether the list has it there.
 */
enum { KNOWN_MASK = 3, PLACED = 4 };

/* Something that is not at its old place. Sorted by id, successes before failures. */
struct leftover {
	uint64_t id;
	uint32_t used; /* of the first of equal ones: how many are used up */
	uint8_t known;
};

struct resume {
	uint64_t *ids; /* by index - 1; freed once the list is placed */
	unsigned char *places;
	size_t room;
	uint64_t known; /* the highest index */
	struct leftover *leftovers;
	size_t nleftovers, leftovers_room;
	struct resume_counts counts;
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

static void
add_leftover(struct resume *resume, uint64_t id, uint8_t known)
{
	if (known < known_as(RESUME_FAILED))
		return;
	if (resume->nleftovers == resume->leftovers_room) {
		resume->leftovers_room = resume->leftovers_room ? 2 * resume->leftovers_room : 256;
		resume->leftovers = xrealloc(
			resume->leftovers, resume->leftovers_room * sizeof(*resume->leftovers));
	}
	resume->leftovers[resume->nleftovers++] = (struct leftover){.id = id, .known = known};
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
add_record(struct resume *resume, uint64_t index, uint64_t id, enum resume_verdict verdict)
{
	make_room(resume, index);
	unsigned char *place = &resume->places[index - 1];
	if (*place && resume->ids[index - 1] != id) {
		add_leftover(resume, resume->ids[index - 1], *place);
		*place = 0;
	}
	resume->ids[index - 1] = id;
	if (known_as(verdict) > *place)
		*place = known_as(verdict);
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
judge(struct resume *resume, const char *run_dir, const struct reader_record *record)
{
	if (record->result.reason == RESULT_CANCELLED)
		return RESUME_NEW;
	if (record->result.reason != RESULT_OK)
		return RESUME_FAILED;
	if (!record->stored || is_stored(run_dir, record))
		return RESUME_DONE;
	resume->counts.lost_outputs++;
	return RESUME_NEW;
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
	while ((got = reader_next(reader, &record, err)) > 0)
		if (record.result.index)
			add_record(resume, record.result.index, record.id,
				judge(resume, run_dir, &record));
	resume->counts.damaged += reader_damaged(reader, NULL) + reader_torn(reader);
	reader_free(reader);
	return got;
}

static void
count_places(struct resume *resume)
{
	for (uint64_t i = 0; i < resume->known; i++) {
		resume->counts.succeeded += resume->places[i] == known_as(RESUME_DONE);
		resume->counts.failed += resume->places[i] == known_as(RESUME_FAILED);
	}
	for (size_t i = 0; i < resume->nleftovers; i++)
		resume->counts.succeeded += resume->leftovers[i].known == known_as(RESUME_DONE);
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
	free(resume->leftovers);
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

static int
compare_leftovers(const void *a, const void *b)
{
	const struct leftover *left = a, *right = b;
	if (left->id != right->id)
		return left->id < right->id ? -1 : 1;
	return (int)right->known - (int)left->known;
}

void
resume_placed(struct resume *resume)
{
	for (uint64_t i = 0; i < resume->known; i++)
		if (!(resume->places[i] & PLACED))
			add_leftover(resume, resume->ids[i], resume->places[i]);
	free(resume->ids);
	resume->ids = NULL;
	if (resume->nleftovers)
		qsort(resume->leftovers, resume->nleftovers, sizeof(*resume->leftovers),
			compare_leftovers);
	for (size_t i = 0; i < resume->nleftovers; i++)
		resume->unmatched += resume->leftovers[i].known == known_as(RESUME_DONE);
}

/* The first of those with that id; NULL if there is none. */
static struct leftover *
find_leftover(const struct resume *resume, uint64_t id)
{
	size_t low = 0, high = resume->nleftovers;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (resume->leftovers[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	bool found = low < resume->nleftovers && resume->leftovers[low].id == id;
	return found ? &resume->leftovers[low] : NULL;
}

/* The best of what is left of that id, which is used up, if it is better than OWN. */
static enum resume_verdict
take_leftover(struct resume *resume, uint64_t id, enum resume_verdict own)
{
	struct leftover *first = find_leftover(resume, id);
	struct leftover *next = first ? first + first->used : NULL;
	if (!first || next == resume->leftovers + resume->nleftovers || next->id != id ||
		verdict_of(next->known) <= own)
		return own;
	first->used++;
	if (next->known == known_as(RESUME_DONE)) {
		resume->moved++;
		resume->unmatched--;
	}
	return verdict_of(next->known);
}

enum resume_verdict
resume_verdict(struct resume *resume, uint64_t index, uint64_t id)
{
	enum resume_verdict own = RESUME_NEW;
	if (index <= resume->known && resume->places[index - 1] & PLACED)
		own = verdict_of(resume->places[index - 1] & KNOWN_MASK);
	return own == RESUME_DONE ? own : take_leftover(resume, id, own);
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

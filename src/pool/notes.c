/*
 * notes.c
 *		What this process holds, noted by resource owner: collisions, growth,
 *		and the end of owners.
 *
 * An empty bucket has no further notes: where the first note ends, the next
 * one of its chain takes its place.
 */
#include "postgres.h"

#include "pool/notes.h"
#include "utils/memutils.h"

#define BUCKETS_TO_KEEP 4096

static PsNotes *kinds = NULL;

/* ---- chains ---- */

static inline PsNote *
next_note(const PsNotes *notes, const PsNote *note)
{
	return note->next == 0 ? NULL : &notes->further[note->next - 1];
}

/* The first note of the thing from this one on, NULL if there is none. */
static PsNote *
note_of(const PsNotes *notes, PsNote *note, uintptr_t thing)
{
	while (note != NULL && (note->thing != thing || note->count == 0))
		note = next_note(notes, note);
	return note;
}

/* The note to be let go: the current owner's, else the first. */
static PsNote *
note_to_drop(const PsNotes *notes, uintptr_t thing)
{
	PsNote	   *first = note_of(notes, ps_notes_bucket(notes, thing), thing);

	for (PsNote *note = first; note != NULL; note = note_of(notes, next_note(notes, note), thing))
		if (note->owner == CurrentResourceOwner)
			return note;
	if (unlikely(first == NULL))
		elog(ERROR, "pagestore: " UINT64_FORMAT " is not pinned by this process", (uint64) thing);
	return first;
}

static void
free_further(PsNotes *notes, PsNote *note)
{
	note->count = 0;
	note->next = notes->free;
	notes->free = note - notes->further + 1;
}

/* The note ends, with all its holds. */
static void
end_note(PsNotes *notes, PsNote *note)
{
	PsNote	   *bucket = ps_notes_bucket(notes, note->thing);
	PsNote	   *before = bucket;

	Assert(note->count > 0 && notes->used > 0);
	notes->used--;
	if (note == bucket)
	{
		PsNote	   *next = next_note(notes, note);

		note->count = 0;
		if (next != NULL)
		{
			*note = *next;
			free_further(notes, next);
		}
		return;
	}
	while (next_note(notes, before) != note)
		before = next_note(notes, before);
	before->next = note->next;
	free_further(notes, note);
}

/* ---- what the inlines leave over ---- */

uint32
ps_notes_count_all(const PsNotes *notes, uintptr_t thing)
{
	uint32		count = 0;

	for (PsNote *note = note_of(notes, ps_notes_bucket(notes, thing), thing); note != NULL;
		 note = note_of(notes, next_note(notes, note), thing))
		count += note->count;
	return count;
}

ResourceOwner
ps_notes_owner(const PsNotes *notes, uintptr_t thing)
{
	return note_to_drop(notes, thing)->owner;
}

/* Put a note, in use, where the thing is looked for. */
static void
place_note(PsNotes *notes, PsNote note)
{
	PsNote	   *bucket = ps_notes_bucket(notes, note.thing);
	PsNote	   *place = bucket;

	if (bucket->count != 0)
	{
		uint32		name = notes->free;

		Assert(name != 0);
		place = &notes->further[name - 1];
		notes->free = place->next;
		note.next = bucket->next;
		bucket->next = name;
	}
	else
		note.next = 0;
	*place = note;
	notes->used++;
}

bool
ps_notes_add_further(PsNotes *notes, uintptr_t thing)
{
	PsNote	   *note = note_of(notes, ps_notes_bucket(notes, thing), thing);
	bool		first = note == NULL;
	PsNote		new = {CurrentResourceOwner, thing, 1, 0};

	for (; note != NULL; note = note_of(notes, next_note(notes, note), thing))
		if (note->owner == CurrentResourceOwner)
		{
			note->count++;
			return false;
		}
	place_note(notes, new);
	return first;
}

bool
ps_notes_drop_some(PsNotes *notes, uintptr_t thing)
{
	PsNote	   *note = note_to_drop(notes, thing);

	if (note->count > 1)
	{
		note->count--;
		return false;
	}
	end_note(notes, note);
	return note_of(notes, ps_notes_bucket(notes, thing), thing) == NULL;
}

/* ---- room ---- */

static void
use_room(PsNotes *notes, PsNote *buckets, PsNote *further, uint32 n)
{
	notes->buckets = buckets;
	notes->further = further;
	notes->mask = n - 1;
	notes->used = 0;
	notes->free = 0;
	for (uint32 i = n; i-- > 0;)
	{
		buckets[i].count = 0;
		free_further(notes, &further[i]);
	}
}

static void
use_first_room(PsNotes *notes)
{
	use_room(notes, notes->first_buckets, notes->first_further, PS_NOTES_AT_FIRST);
}

static PsNote *
alloc_notes(uint32 n)
{
	return MemoryContextAllocExtended(TopMemoryContext, (Size) n * sizeof(PsNote),
									  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO | MCXT_ALLOC_NO_OOM);
}

/* No further note is free: twice as many, and twice as many buckets. */
static void
grow(PsNotes *notes)
{
	PsNote	   *old_buckets = notes->buckets;
	PsNote	   *old_further = notes->further;
	uint32		old_n = notes->mask + 1;
	PsNote	   *buckets = alloc_notes(2 * old_n);
	PsNote	   *further = alloc_notes(2 * old_n);

	if (buckets == NULL || further == NULL)
	{
		if (buckets)
			pfree(buckets);
		if (further)
			pfree(further);
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	}
	use_room(notes, buckets, further, 2 * old_n);
	for (uint32 i = 0; i < old_n; i++)
	{
		if (old_buckets[i].count > 0)
			place_note(notes, old_buckets[i]);
		if (old_further[i].count > 0)
			place_note(notes, old_further[i]);
	}

	if (old_buckets != notes->first_buckets)
	{
		pfree(old_buckets);
		pfree(old_further);
	}
}

void
ps_notes_make_room(PsNotes *notes)
{
	if (notes->used == 0)
		use_first_room(notes);
	else
		grow(notes);
}

/* ---- the end of owners ---- */

/* A note of the owner, or anybody's (NULL), in the chain of the bucket. */
static PsNote *
note_of_owner(const PsNotes *notes, PsNote *bucket, ResourceOwner owner)
{
	PsNote	   *note = bucket->count > 0 ? bucket : NULL;

	while (note != NULL && owner != NULL && note->owner != owner)
		note = next_note(notes, note);
	return note;
}

static void
end_notes(PsNotes *notes, ResourceOwner owner, bool is_leak)
{
	for (uint32 i = 0; i <= notes->mask && notes->used > 0; i++)
	{
		PsNote	   *note;

		while ((note = note_of_owner(notes, &notes->buckets[i], owner)) != NULL)
		{
			uintptr_t	thing = note->thing;

			if (is_leak)
				notes->leaked(thing);
			end_note(notes, note);
			if (ps_notes_count(notes, thing) == 0)
				notes->gone(thing);
		}
	}
}

void
ps_notes_end_all(PsNotes *notes)
{
	end_notes(notes, NULL, false);
}

static void
release_owner(ResourceReleasePhase phase, bool isCommit, bool isTopLevel, void *arg)
{
	if (phase != RESOURCE_RELEASE_BEFORE_LOCKS)
		return;
	for (PsNotes *notes = kinds; notes != NULL; notes = notes->next_kind)
	{
		end_notes(notes, CurrentResourceOwner, isCommit);
		if (notes->used == 0 && unlikely(notes->mask >= BUCKETS_TO_KEEP))
		{
			PsNote	   *buckets = notes->buckets;
			PsNote	   *further = notes->further;

			use_first_room(notes);
			pfree(buckets);
			pfree(further);
		}
	}
}

void
ps_notes_register(PsNotes *notes)
{
	if (kinds == NULL)
		RegisterResourceReleaseCallback(release_owner, NULL);
	notes->next_kind = kinds;
	kinds = notes;
}

/*
 * notes.h
 *		What this process holds, noted by resource owner.
 *
 * A thing (a frame, a piece of a scan's ring) is named by a number.  It is
 * held any number of times, under any owners; a note stands for the holds of
 * one thing under one owner.  The contract, for all kinds of things:
 *
 *	- A hold belongs to CurrentResourceOwner, but may be let go under another
 *	  (a slot is filled in one portal and cleared in another): the current
 *	  owner's note is taken first, else any.
 *	- Holds end with their owner, at the latest: silently on abort, with a
 *	  warning for each thing on commit, as core's buffer pins do.
 *
 * Notes cost memory by the holds there are.  They are found through a hash
 * table whose buckets hold the first note in place, so that a hold and its end
 * touch one cache line where things do not collide.
 *
 * All of it is memory of the process: no locks.
 */
#ifndef PAGESTORE_POOL_NOTES_H
#define PAGESTORE_POOL_NOTES_H

#include "postgres.h"
#include "utils/resowner.h"

typedef struct PsNote
{
	ResourceOwner owner;
	uintptr_t	thing;
	uint32		count;			/* 0: the note is free, and so is the bucket
								 * if it is a first note */
	uint32		next;			/* among further notes: place + 1; 0: none */
} PsNote;

#define PS_NOTES_AT_FIRST 64	/* buckets, and further notes; power of two */

typedef struct PsNotes
{
	PsNote	   *buckets;		/* the first note of each */
	PsNote	   *further;		/* as many more */
	uint32		mask;			/* number of buckets less one */
	uint32		used;			/* notes in use */
	uint32		free;			/* chain of further notes, by place + 1; 0:
								 * make room first */

	/* By the kind of thing: the last hold has ended with its owner. */
	void		(*gone) (uintptr_t thing);

	/* The warning for one that its owner, committing, still holds. */
	void		(*leaked) (uintptr_t thing);

	struct PsNotes *next_kind;	/* of those known to ps_notes_register() */
	PsNote		first_buckets[PS_NOTES_AT_FIRST];
	PsNote		first_further[PS_NOTES_AT_FIRST];
} PsNotes;

/* Static notes of this name: none, and no room yet. */
#define PS_NOTES_INIT(notes, when_gone, when_leaked) \
	{ \
		.buckets = (notes).first_buckets, .further = (notes).first_further, .mask = PS_NOTES_AT_FIRST - 1, \
		.gone = (when_gone), .leaked = (when_leaked) \
	}

/* Once for each kind, before its first note; a fork inherits it.  What owners hold of it ends with them from now on. */
extern void ps_notes_register(PsNotes *notes);

/* All holds end, whoever's they are: for a process that exits. */
extern void ps_notes_end_all(PsNotes *notes);

extern void ps_notes_make_room(PsNotes *notes);
extern bool ps_notes_add_further(PsNotes *notes, uintptr_t thing);
extern bool ps_notes_drop_some(PsNotes *notes, uintptr_t thing);
extern uint32 ps_notes_count_all(const PsNotes *notes, uintptr_t thing);

/* Under which owner ps_notes_drop() would let go of the thing, which is held. */
extern ResourceOwner ps_notes_owner(const PsNotes *notes, uintptr_t thing);

/* Neighbours differ in the low bits, things that are addresses above them. */
static inline PsNote *
ps_notes_bucket(const PsNotes *notes, uintptr_t thing)
{
	return &notes->buckets[(thing ^ (thing >> 6)) & notes->mask];
}

/* Room for one more hold, so that ps_notes_add() cannot fail.  ereport(ERROR) for want of memory. */
static inline void
ps_notes_reserve(PsNotes *notes)
{
	if (unlikely(notes->free == 0))
		ps_notes_make_room(notes);
}

/* How often this process holds the thing. */
static inline uint32
ps_notes_count(const PsNotes *notes, uintptr_t thing)
{
	const PsNote *note = ps_notes_bucket(notes, thing);

	if (note->count == 0 || likely(note->thing == thing && note->next == 0))
		return note->count;
	return ps_notes_count_all(notes, thing);
}

/* A hold of a thing that belongs in this bucket, after ps_notes_reserve(); the bucket is empty. */
static inline void
ps_notes_add_first(PsNotes *notes, PsNote *bucket, uintptr_t thing)
{
	Assert(bucket->count == 0 && bucket == ps_notes_bucket(notes, thing));
	bucket->owner = CurrentResourceOwner;
	bucket->thing = thing;
	bucket->count = 1;
	notes->used++;
}

/* One more hold, after ps_notes_reserve(); true if it is the first of the thing. */
static inline bool
ps_notes_add(PsNotes *notes, uintptr_t thing)
{
	PsNote	   *note = ps_notes_bucket(notes, thing);

	if (note->count != 0)
	{
		if (unlikely(note->thing != thing || note->owner != CurrentResourceOwner))
			return ps_notes_add_further(notes, thing);
		note->count++;
		return false;
	}
	ps_notes_add_first(notes, note, thing);
	return true;
}

/* One hold less; true if it was the last.  elog(ERROR) if the thing is not held. */
static inline bool
ps_notes_drop(PsNotes *notes, uintptr_t thing)
{
	PsNote	   *note = ps_notes_bucket(notes, thing);

	/* nearly always it is alone in its bucket */
	if (unlikely(note->thing != thing || note->next != 0 || note->count == 0))
		return ps_notes_drop_some(notes, thing);
	if (--note->count > 0)
		return false;
	notes->used--;
	return true;
}

#endif							/* PAGESTORE_POOL_NOTES_H */

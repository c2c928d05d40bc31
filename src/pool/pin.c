/*
 * pin.c
 *		Pins: the shared count, and this process's own with their resource owners.
 *
 * The shared count of a frame counts processes (and I/Os, and workers passing
 * by); a process that has pinned a frame once pins it again without touching
 * shared memory. Its own pins are noted, a note for each frame and resource
 * owner, and end with that owner at the latest.  Notes cost
 * memory by the pins held, whatever the size of the pool.
 */
#include "postgres.h"

#include "pool/service.h"
#include "storage/ipc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

typedef struct PinNote
{
	ResourceOwner owner;
	PsFrame		frame;
	uint32		count;			/* 0: not in use */
	uint32		next;			/* in the chain of its bucket, newest first,
								 * or of free notes */
} PinNote;

/*
 * Notes are found by frame through chains.  A note is named by its place plus
 * one, 0 ends a chain.  The static ones are all that most processes ever need.
 */
#define NOTES_AT_FIRST 64		/* power of two */
#define NOTES_TO_KEEP 4096

static PinNote first_notes[NOTES_AT_FIRST];
static uint32 first_heads[NOTES_AT_FIRST];

static PinNote *notes = first_notes;
static uint32 room = NOTES_AT_FIRST;	/* of notes, and as many buckets */
static uint32 touched = 0;		/* notes from here on are free */
static uint32 free_notes = 0;	/* chain of free ones before that, the last
								 * one freed first */

uint32	   *ps_pin_heads = first_heads;
uint32		ps_pin_mask = NOTES_AT_FIRST - 1;

/* ---- the shared count ---- */

bool
ps_frame_pin_if(PsFrame frame, const PsTag *tag)
{
	uint32		was;

	if (!ps_state_pin(frame, 0, &was))
		return false;
	if (tag == NULL || ps_tag_equal(&ps_frame(frame)->tag, tag))
		return true;
	ps_frame_unpin_raw(frame);
	return false;
}

void
ps_frame_unpin_raw(PsFrame frame)
{
	uint32		was = pg_atomic_fetch_sub_u32(&ps_frame(frame)->state, 1);

	Assert(PS_PINS(was) > 0);

	/* Nobody can pin a ghost anew, so the last one to go is alone with it. */
	if (unlikely((was & PS_GHOST) && PS_PINS(was) == 1))
		ps_frame_bury(frame);
}

/* ---- notes of this process's pins ---- */

static inline uint32 *
bucket_of(PsFrame frame)
{
	return &ps_pin_heads[frame & ps_pin_mask];
}

static void
use_notes(PinNote *new_notes, uint32 *new_heads, uint32 new_room)
{
	notes = new_notes;
	ps_pin_heads = new_heads;
	room = new_room;
	ps_pin_mask = new_room - 1;
}

/* All are in use: twice as many. */
static void
make_room(void)
{
	PinNote    *old_notes = notes;
	uint32	   *old_heads = ps_pin_heads;
	uint32		old_room = room;
	PinNote    *new_notes = MemoryContextAllocHuge(TopMemoryContext, 2 * (Size) room * sizeof(PinNote));
	uint32	   *new_heads = MemoryContextAllocExtended(TopMemoryContext, 2 * (Size) room * sizeof(uint32),
													   MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO | MCXT_ALLOC_NO_OOM);

	if (new_heads == NULL)
	{
		pfree(new_notes);
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory")));
	}
	memcpy(new_notes, old_notes, old_room * sizeof(PinNote));
	use_notes(new_notes, new_heads, 2 * old_room);
	for (uint32 i = 0; i < old_room; i++)
	{
		uint32	   *bucket = bucket_of(notes[i].frame);

		notes[i].next = *bucket;
		*bucket = i + 1;
	}
	if (old_notes != first_notes)
	{
		pfree(old_notes);
		pfree(old_heads);
	}
	else
		memset(first_heads, 0, sizeof(first_heads));
}

/* No pin is held: all notes are free. */
static void
reset_notes(void)
{
	touched = 0;
	free_notes = 0;
	if (room > NOTES_TO_KEEP)
	{
		pfree(notes);
		pfree(ps_pin_heads);
		use_notes(first_notes, first_heads, NOTES_AT_FIRST);
	}
}

void
ps_pin_reserve(void)
{
	if (unlikely(ps_my_counters == NULL))
		ps_pool_attach();
	if (unlikely(free_notes == 0 && touched == room))
		make_room();
}

static PinNote *
take_note(void)
{
	uint32		i;

	if (likely(free_notes != 0))
	{
		i = free_notes - 1;
		free_notes = notes[i].next;
	}
	else
	{
		Assert(touched < room);
		i = touched++;
	}
	return &notes[i];
}

void
ps_pin_remember(PsFrame frame)
{
	uint32	   *bucket = bucket_of(frame);
	bool		first = true;
	PinNote    *note;

	Assert(frame < ps_pool_nframes);
	Assert(PS_PINS(pg_atomic_read_u32(&ps_frame(frame)->state)) > 0);
	for (uint32 i = *bucket; i != 0; i = note->next)
	{
		note = &notes[i - 1];
		if (note->frame != frame)
			continue;
		first = false;
		if (note->owner == CurrentResourceOwner)
		{
			note->count++;
			return;
		}
	}

	note = take_note();
	note->owner = CurrentResourceOwner;
	note->frame = frame;
	note->count = 1;
	note->next = *bucket;
	*bucket = note - notes + 1;
	if (first)
	{
		ps_my_counters->n[PS_COUNT_PINNED]++;
		ps_protect_allow(frame);
	}
}

/*
 * A pin belongs to the owner it was taken under, but a slot may be cleared
 * under another: the current owner's note, or else anybody's.  Where it hangs,
 * and whether it is the frame's only one.
 */
static pg_noinline uint32 *
find_note(PsFrame frame, bool *only)
{
	uint32	   *found = NULL;
	bool		is_mine = false;

	*only = true;
	for (uint32 *link = bucket_of(frame); *link != 0; link = &notes[*link - 1].next)
	{
		const PinNote *note = &notes[*link - 1];

		if (note->frame != frame)
			continue;
		*only = found == NULL;
		if (found == NULL || (!is_mine && note->owner == CurrentResourceOwner))
		{
			is_mine = note->owner == CurrentResourceOwner;
			found = link;
		}
	}
	if (unlikely(found == NULL))
		elog(ERROR, "pagestore: frame %u is not pinned by this process", frame);
	return found;
}

/* The note at this link ends, with all its pins. */
static inline void
end_note(uint32 *link, bool only)
{
	uint32		name = *link;
	PinNote    *note = &notes[name - 1];
	PsFrame		frame = note->frame;

	note->count = 0;
	*link = note->next;
	note->next = free_notes;
	free_notes = name;
	if (!only)
		return;

	Assert(!LWLockHeldByMe(&ps_frame(frame)->latch));
	ps_my_counters->n[PS_COUNT_PINNED]--;
	ps_protect_forbid(frame);
	ps_frame_unpin_raw(frame);
}

void
ps_pool_unpin(PsFrame frame)
{
	uint32	   *link = bucket_of(frame);
	bool		only = true;
	PinNote    *note;

	/* nearly always it is alone in its bucket */
	if (unlikely(*link == 0 || notes[*link - 1].frame != frame || notes[*link - 1].next != 0))
		link = find_note(frame, &only);
	note = &notes[*link - 1];
	if (note->count > 1)
		note->count--;
	else
		end_note(link, only);
}

void
ps_pool_pin_again(PsFrame frame)
{
	ps_pin_reserve();
	Assert(ps_local_pins(frame) > 0);
	ps_pin_remember(frame);
}

ResourceOwner
ps_pin_owner(PsFrame frame)
{
	bool		only;

	return notes[*find_note(frame, &only) - 1].owner;
}

uint32
ps_pin_count(PsFrame frame)
{
	uint32		count = 0;

	for (uint32 i = *bucket_of(frame); i != 0; i = notes[i - 1].next)
		if (notes[i - 1].frame == frame)
			count += notes[i - 1].count;
	return count;
}

/* ---- the end of owners ---- */

static void
leaked(PsFrame frame)
{
	const PsFrameHeader *header = ps_frame(frame);

	elog(WARNING, "pagestore: pin leak: frame %u (relation %u/%u/%u, block %u)",
		 frame, header->tag.rnode.spcNode, header->tag.rnode.dbNode,
		 header->tag.rnode.relNode, header->tag.block);
}

static void
end_note_at(uint32 i)
{
	uint32	   *found = NULL;
	bool		only = true;

	for (uint32 *link = bucket_of(notes[i].frame); *link != 0; link = &notes[*link - 1].next)
		if (*link == i + 1)
			found = link;
		else if (notes[*link - 1].frame == notes[i].frame)
			only = false;
	if (unlikely(found == NULL))
		elog(ERROR, "pagestore: the note of a pin on frame %u is in no chain", notes[i].frame);
	end_note(found, only);
}

static void
release_owner(ResourceReleasePhase phase, bool isCommit, bool isTopLevel, void *arg)
{
	ResourceOwner owner = CurrentResourceOwner;
	bool		others = false;

	if (phase != RESOURCE_RELEASE_BEFORE_LOCKS)
		return;

	for (uint32 i = touched; i-- > 0;)
	{
		if (notes[i].count == 0)
			continue;
		if (notes[i].owner != owner)
		{
			others = true;
			continue;
		}
		if (isCommit)
			leaked(notes[i].frame);
		end_note_at(i);
	}
	if (!others)
		reset_notes();
}

/* Backstop for a process that ends without ending its owners. */
static void
release_all(int code, Datum arg)
{
	for (uint32 i = touched; i-- > 0;)
		if (notes[i].count > 0)
			end_note_at(i);
}

void
ps_pin_attach(void)
{
	ps_protect_attach();
	on_shmem_exit(release_all, 0);
}

void
ps_pool_init_hooks(void)
{
	RegisterResourceReleaseCallback(release_owner, NULL);
	ps_xact_init();
}

/*
 * relation.c
 *		Frames of whole relations and databases.
 *
 * Pages to be treated are looked up block by block, or found by one scan of
 * the frames in use, whichever is less.
 */
#include "postgres.h"

#include "io/segment.h"
#include "miscadmin.h"
#include "pool/batch.h"
#include "pool/frame.h"
#include "pool/read.h"
#include "pool/relation.h"
#include "pool/table.h"
#include "server/compat.h"

/* A look at a header costs this share of the look-up of a block. */
#define LOOKUP_SHARE 4

/* So many are looked up, and written, together. */
#define LOOKUP_PAGES 1024

/* Look up so many blocks, or go through the headers of all frames in use? */
static bool
few_blocks(uint64 nblocks)
{
	return nblocks < ps_frames_used() / LOOKUP_SHARE;
}

/*
 * What bounds a relation's frames: its blocks; the most there can be if its
 * files can't be looked at.  For after commit: does not throw.
 */
static BlockNumber
blocks_at_most(RelFileLocator rlocator)
{
	BlockNumber nblocks;

	return ps_segments_size(rlocator, &nblocks) ? nblocks : MaxBlockNumber;
}

/* ---- flush ---- */

static bool
dirty_of_relation(PsFrameHeader *header, uint32 state, void *arg)
{
	return (state & PS_DIRTY) != 0 &&
		RelFileLocatorEquals(header->tag.rlocator, *(const RelFileLocator *) arg);
}

static void
flush_blocks(RelFileLocator rlocator, BlockNumber first, uint32 n)
{
	PsTag		tags[LOOKUP_PAGES];

	for (uint32 i = 0; i < n; i++)
		tags[i] = (PsTag)
	{
		rlocator, first + i
	};
	ps_flush_pages(tags, n, dirty_of_relation, &rlocator, PS_FLUSH_COMMAND, true);
}

void
ps_pool_flush_relation(RelFileLocator rlocator)
{
	BlockNumber nblocks;
	PsPageList	list;

	if (ps_table_pages_of(&rlocator) == 0)
		return;
	nblocks = blocks_at_most(rlocator);
	if (few_blocks(nblocks))
	{
		for (BlockNumber block = 0; block < nblocks; block += LOOKUP_PAGES)
			flush_blocks(rlocator, block, Min(nblocks - block, LOOKUP_PAGES));
		return;
	}

	list = ps_pagelist_collect(dirty_of_relation, &rlocator);
	ps_flush_pages(list.tags, list.n, dirty_of_relation, &rlocator, PS_FLUSH_COMMAND, true);
	ps_pagelist_free(&list);
}

/* ---- walks over frames ---- */

typedef bool (*PageTest) (const PsTag *tag, const void *arg);

/* What is done to a frame that is pinned raw; takes the pin away. */
typedef void (*FrameAction) (PsFrame frame);

/* The next frame, this one included, whose page passes: pinned raw.  PS_NO_FRAME after the last. */
static PsFrame
pin_next(PsFrame frame, PageTest test, const void *arg)
{
	for (; frame < ps_frames_used(); frame++)
	{
		uint32		state;
		PsTag		tag;

		if (ps_frame_glance(frame, &state, &tag) && test(&tag, arg) && ps_frame_pin_if(frame, &tag))
			return frame;
	}
	return PS_NO_FRAME;
}

/*
 * The caller's lock keeps all processes from the relations but the writer,
 * which moves pages while the pool is made smaller (resize.c): not during a
 * walk, nor while a frame of one is being treated.  Moves under way, which are
 * short, are waited for.
 */
static void
begin_walk(void)
{
	pg_atomic_fetch_add_u32(&ps_pool->nwalks, 1);
	ps_lock_exclusive(&ps_pool->move_lock);
	ps_unlock(&ps_pool->move_lock);
}

static void
end_walk(void)
{
	pg_atomic_fetch_sub_u32(&ps_pool->nwalks, 1);
}

/* An action serves no interrupt: a walk that has begun comes to its end. */
static void
for_matching(PageTest test, const void *arg, FrameAction action)
{
	begin_walk();
	for (PsFrame frame = 0; (frame = pin_next(frame, test, arg)) != PS_NO_FRAME; frame++)
		action(frame);
	end_walk();
}

#ifdef USE_ASSERT_CHECKING
/* Nobody brings in what has been forgotten: the caller's lock lasts. */
static bool
none_left(PageTest test, const void *arg)
{
	PsFrame		frame = pin_next(0, test, arg);

	if (frame != PS_NO_FRAME)
		ps_frame_unpin_raw(frame);
	return frame == PS_NO_FRAME;
}
#endif

typedef struct BlockRange
{
	RelFileLocator rlocator;
	BlockNumber first;
	BlockNumber end;
} BlockRange;

static bool
in_range(const PsTag *tag, const void *arg)
{
	const BlockRange *range = arg;

	return tag->block >= range->first && tag->block < range->end &&
		RelFileLocatorEquals(tag->rlocator, range->rlocator);
}

/* For all frames of the range, which the relation's end bounds. */
static void
for_range(const BlockRange *range, FrameAction action)
{
	if (!few_blocks(range->end - range->first))
	{
		for_matching(in_range, range, action);
		return;
	}
	begin_walk();
	for (BlockNumber block = range->first; block < range->end && ps_table_pages_of(&range->rlocator) > 0; block++)
	{
		PsTag		tag = {range->rlocator, block};
		PsFrame		frame = ps_frame_pin_page(&tag);

		if (frame != PS_NO_FRAME)
			action(frame);
	}
	end_walk();
}

/* ---- discard ---- */

/* NOWRITE keeps new writes away while the one in flight is waited out. */
static void
discard_frame(PsFrame frame)
{
	/* a raw pin has no owner to release it: no interrupt until it is gone */
	HOLD_INTERRUPTS();
	ps_frame_forbid_write(frame);
	ps_frame_wait_read(frame);
	ps_flush_wait(frame);
	ps_frame_detach(frame);
	ps_frame_unpin_raw(frame);
	RESUME_INTERRUPTS();
}

static void
discard_matching(PageTest test, const void *arg)
{
	for_matching(test, arg, discard_frame);
	Assert(none_left(test, arg));
}

void
ps_pool_discard_relation(RelFileLocator rlocator, BlockNumber first_block)
{
	BlockRange	range = {rlocator, first_block, InvalidBlockNumber};

	if (ps_table_pages_of(&rlocator) > 0)
		for_matching(in_range, &range, discard_frame);

	/*
	 * from a later block on: a failed extension, by whoever holds the
	 * extension lock alone
	 */
	Assert(first_block > 0 || none_left(in_range, &range));
}

void
ps_pool_discard_blocks(RelFileLocator rlocator, BlockNumber first, BlockNumber end)
{
	BlockRange	range = {rlocator, first, end};

	for_range(&range, discard_frame);
	Assert(none_left(in_range, &range));
}

typedef struct RelationSet
{
	const RelFileLocator *rlocators;	/* sorted */
	int			n;
} RelationSet;

static int
compare_relations(const void *a, const void *b)
{
	PsTag		x = {*(const RelFileLocator *) a, 0};
	PsTag		y = {*(const RelFileLocator *) b, 0};

	return ps_tag_compare(&x, &y);
}

static bool
in_set(const PsTag *tag, const void *arg)
{
	const RelationSet *set = arg;

	return bsearch(&tag->rlocator, set->rlocators, set->n, sizeof(RelFileLocator), compare_relations) != NULL;
}

void
ps_pool_discard_relations(RelFileLocator *rlocators, int n)
{
	uint64		blocks = 0;
	int			here = 0;

	/* those that may have pages here to the front */
	for (int i = 0; i < n; i++)
	{
		RelFileLocator rlocator = rlocators[i];

		if (ps_table_pages_of(&rlocator) == 0)
			continue;
		blocks += blocks_at_most(rlocator);
		rlocators[i] = rlocators[here];
		rlocators[here++] = rlocator;
	}
	if (few_blocks(blocks))
	{
		for (int i = 0; i < here; i++)
			ps_pool_discard_blocks(rlocators[i], 0, blocks_at_most(rlocators[i]));
	}
	else if (here > 0)
	{
		RelationSet set = {rlocators, here};

		qsort(rlocators, here, sizeof(RelFileLocator), compare_relations);
		discard_matching(in_set, &set);
	}
}

static bool
in_database(const PsTag *tag, const void *arg)
{
	return tag->rlocator.dbOid == *(const Oid *) arg;
}

static bool
in_tablespace(const PsTag *tag, const void *arg)
{
	return tag->rlocator.spcOid == *(const Oid *) arg;
}

void
ps_pool_discard_database(Oid dboid)
{
	discard_matching(in_database, &dboid);
}

void
ps_pool_discard_tablespace(Oid tablespace)
{
	discard_matching(in_tablespace, &tablespace);
}

/* ---- for truncation ---- */

static void
forbid_write(PsFrame frame)
{
	HOLD_INTERRUPTS();
	ps_frame_forbid_write(frame);
	ps_flush_wait(frame);
	ps_frame_unpin_raw(frame);
	RESUME_INTERRUPTS();
}

static void
permit_write(PsFrame frame)
{
	ps_frame_permit_write(frame);
	ps_frame_unpin_raw(frame);
}

void
ps_pool_forbid_writes(RelFileLocator rlocator, BlockNumber first, BlockNumber end)
{
	BlockRange	range = {rlocator, first, end};

	for_range(&range, forbid_write);
}

void
ps_pool_permit_writes(RelFileLocator rlocator, BlockNumber first, BlockNumber end)
{
	BlockRange	range = {rlocator, first, end};

	for_range(&range, permit_write);
}

/*
 * relation.c
 *		Frames of whole relations and databases: write out, forget, cut off.
 *
 * Callers hold a lock that keeps everyone else from using the relation
 * (AccessExclusiveLock, or nobody is connected to the database), so that its
 * pages neither come nor change frames meanwhile; only write-back and
 * eviction may touch its frames.
 */
#include "postgres.h"

#include <sys/stat.h>

#include "catalog/storage.h"
#include "common/relpath.h"
#include "miscadmin.h"
#include "pool/service.h"
#include "storage/smgr.h"

/* A look at a header costs this share of the look-up of a block. */
#define LOOKUP_SHARE 4

/* Look up so many blocks, or go through the headers of all frames in use? */
static bool
few_blocks(uint64 nblocks)
{
	return nblocks < ps_frames_used() / LOOKUP_SHARE;
}

/*
 * Blocks of the relation's main fork, which bound its frames; the most there
 * can be if its files can't be looked at.  For after commit: does not throw.
 */
static BlockNumber
blocks_on_disk(RelFileNode rnode)
{
	char		path[MAXPGPATH];
	char	   *base = relpathperm(rnode, MAIN_FORKNUM);
	uint64		bytes = 0;
	int			segment = 0;
	struct stat st;

	strlcpy(path, base, sizeof(path));
	while (stat(path, &st) == 0)
	{
		bytes += st.st_size;
		snprintf(path, sizeof(path), "%s.%d", base, ++segment);
	}
	pfree(base);
	return segment > 0 && errno == ENOENT ? bytes / BLCKSZ : MaxBlockNumber;
}

/* ---- flush ---- */

static bool
dirty_of_relation(PsFrameHeader *header, uint32 state, void *arg)
{
	return (state & PS_DIRTY) != 0 &&
		RelFileNodeEquals(header->tag.rnode, *(const RelFileNode *) arg);
}

void
ps_pool_flush_relation(RelFileNode rnode)
{
	BlockNumber nblocks;
	PsPageList	list;

	if (ps_table_pages_of(&rnode) == 0)
		return;
	nblocks = blocks_on_disk(rnode);
	if (few_blocks(nblocks))
	{
		for (BlockNumber block = 0; block < nblocks; block++)
		{
			PsTag		tag = {rnode, block};

			CHECK_FOR_INTERRUPTS();
			ps_write_page(&tag, dirty_of_relation, &rnode, PS_WRITE_FLUSH, true);
		}
		return;
	}

	list = ps_pages_collect(dirty_of_relation, &rnode);
	for (uint32 i = 0; i < list.n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		ps_write_page(&list.tags[i], dirty_of_relation, &rnode, PS_WRITE_FLUSH, true);
	}
	ps_pages_free(&list);
}

/* ---- discard ---- */

/*
 * Forget the page of a frame that the caller has pinned raw; unpins it.
 * NOWRITE keeps new writes away while the one in flight is waited out.
 */
static void
discard_frame(PsFrame frame)
{
	PsFrameHeader *header = ps_frame(frame);

	/* a raw pin has no owner to release it: no interrupt until it is gone */
	HOLD_INTERRUPTS();
	pg_atomic_fetch_or_u32(&header->state, PS_NOWRITE);
	ps_frame_wait_read(frame);
	ps_wait_write(frame);
	ps_frame_detach(frame);
	ps_frame_unpin_raw(frame);
	RESUME_INTERRUPTS();
}

/* Does this page go? */
typedef bool (*DoomedTest) (const PsTag *tag, const void *arg);

#ifdef USE_ASSERT_CHECKING
/* Nobody brings in what has been forgotten: the caller's lock lasts. */
static bool
none_left(DoomedTest doomed, const void *arg)
{
	for (PsFrame frame = 0; frame < ps_frames_used(); frame++)
	{
		PsFrameHeader *header = ps_frame(frame);
		PsTag		tag;

		if ((pg_atomic_read_u32(&header->state) & PS_TAGGED) == 0)
			continue;
		pg_read_barrier();
		tag = header->tag;
		if (doomed(&tag, arg) && ps_frame_pin_if(frame, &tag))
		{
			ps_frame_unpin_raw(frame);
			return false;
		}
	}
	return true;
}
#endif

static void
discard_matching(DoomedTest doomed, const void *arg)
{
	uint32		used = ps_frames_used();

	for (PsFrame frame = 0; frame < used; frame++)
	{
		PsFrameHeader *header = ps_frame(frame);
		PsTag		tag;

		if ((pg_atomic_read_u32(&header->state) & PS_TAGGED) == 0)
			continue;
		pg_read_barrier();
		tag = header->tag;
		if (doomed(&tag, arg) && ps_frame_pin_if(frame, &tag))
			discard_frame(frame);
	}
}

typedef struct BlockRange
{
	RelFileNode rnode;
	BlockNumber first;
	BlockNumber end;
} BlockRange;

static bool
in_range(const PsTag *tag, const void *arg)
{
	const BlockRange *range = arg;

	return tag->block >= range->first && tag->block < range->end &&
		RelFileNodeEquals(tag->rnode, range->rnode);
}

void
ps_pool_discard_relation(RelFileNode rnode, BlockNumber first_block)
{
	BlockRange	range = {rnode, first_block, InvalidBlockNumber};

	if (ps_table_pages_of(&rnode) > 0)
		discard_matching(in_range, &range);
	Assert(first_block > 0 || none_left(in_range, &range));
}

/* The same, knowing where the relation ends. */
static void
discard_blocks(RelFileNode rnode, BlockNumber first, BlockNumber end)
{
	BlockRange	range = {rnode, first, end};

	if (few_blocks(end - first))
		for (BlockNumber block = first; block < end && ps_table_pages_of(&rnode) > 0; block++)
		{
			PsTag		tag = {rnode, block};
			PsFrame		frame = ps_page_pin_raw(&tag);

			if (frame != PS_NO_FRAME)
				discard_frame(frame);
		}
	else
		discard_matching(in_range, &range);
	Assert(none_left(in_range, &range));
}

typedef struct RelationSet
{
	const RelFileNode *rnodes;	/* sorted */
	int			n;
} RelationSet;

static int
compare_relations(const void *a, const void *b)
{
	PsTag		x = {*(const RelFileNode *) a, 0};
	PsTag		y = {*(const RelFileNode *) b, 0};

	return ps_tag_compare(&x, &y);
}

static bool
in_set(const PsTag *tag, const void *arg)
{
	const RelationSet *set = arg;

	return bsearch(&tag->rnode, set->rnodes, set->n, sizeof(RelFileNode), compare_relations) != NULL;
}

void
ps_pool_discard_relations(RelFileNode *rnodes, int n)
{
	uint64		blocks = 0;
	int			here = 0;

	/* those that may have pages here to the front */
	for (int i = 0; i < n; i++)
	{
		RelFileNode rnode = rnodes[i];

		if (ps_table_pages_of(&rnode) == 0)
			continue;
		blocks += blocks_on_disk(rnode);
		rnodes[i] = rnodes[here];
		rnodes[here++] = rnode;
	}
	if (few_blocks(blocks))
	{
		for (int i = 0; i < here; i++)
			discard_blocks(rnodes[i], 0, blocks_on_disk(rnodes[i]));
	}
	else if (here > 0)
	{
		RelationSet set = {rnodes, here};

		qsort(rnodes, here, sizeof(RelFileNode), compare_relations);
		discard_matching(in_set, &set);
		Assert(none_left(in_set, &set));
	}
}

static bool
in_database(const PsTag *tag, const void *arg)
{
	return tag->rnode.dbNode == *(const Oid *) arg;
}

static bool
in_tablespace(const PsTag *tag, const void *arg)
{
	return tag->rnode.spcNode == *(const Oid *) arg;
}

void
ps_pool_discard_database(Oid dboid)
{
	discard_matching(in_database, &dboid);
	Assert(none_left(in_database, &dboid));
	ps_gate_forget_database(dboid);
	ps_file_invalidate((RelFileNode) {InvalidOid, dboid, InvalidOid});
}

void
ps_pool_discard_tablespace(Oid tablespace)
{
	discard_matching(in_tablespace, &tablespace);
	Assert(none_left(in_tablespace, &tablespace));
	ps_file_invalidate((RelFileNode) {tablespace, InvalidOid, InvalidOid});
}

/* ---- truncate ---- */

/* Set or clear NOWRITE on the pages from first to end; setting waits out writes in flight. */
static void
forbid_write(PsFrame frame, bool forbid)
{
	PsFrameHeader *header = ps_frame(frame);

	HOLD_INTERRUPTS();
	if (forbid)
	{
		pg_atomic_fetch_or_u32(&header->state, PS_NOWRITE);
		ps_wait_write(frame);
	}
	else
		pg_atomic_fetch_and_u32(&header->state, ~PS_NOWRITE);
	ps_frame_unpin_raw(frame);
	RESUME_INTERRUPTS();
}

static void
forbid_writes(RelFileNode rnode, BlockNumber first, BlockNumber end, bool forbid)
{
	BlockRange	range = {rnode, first, end};
	uint32		used = ps_frames_used();

	if (ps_table_pages_of(&rnode) == 0)
		return;
	if (few_blocks(end - first))
	{
		for (BlockNumber block = first; block < end; block++)
		{
			PsTag		tag = {rnode, block};
			PsFrame		frame = ps_page_pin_raw(&tag);

			if (frame != PS_NO_FRAME)
				forbid_write(frame, forbid);
		}
		return;
	}
	for (PsFrame frame = 0; frame < used; frame++)
	{
		PsFrameHeader *header = ps_frame(frame);
		PsTag		tag;

		if ((pg_atomic_read_u32(&header->state) & PS_TAGGED) == 0)
			continue;
		pg_read_barrier();
		tag = header->tag;
		if (in_range(&tag, &range) && ps_frame_pin_if(frame, &tag))
			forbid_write(frame, forbid);
	}
}

/*
 * Frames dropped before the file is cut would let a checkpoint complete with
 * their changes neither on disk nor to be replayed; frames written after it
 * would grow the file again.  So: no write from here, cut, drop.  The
 * sentinel waits for a page it owes a checkpoint while it may not write it.
 */
void
ps_pool_truncate(Relation rel, BlockNumber nblocks)
{
	RelFileNode rnode = rel->rd_node;
	BlockNumber old_nblocks = smgrnblocks(RelationGetSmgr(rel), MAIN_FORKNUM);

	Assert(!ps_gate_uses_shared(rel));

	/* a FATAL exit in between would leave pages that nobody may write */
	HOLD_INTERRUPTS();
	PG_TRY();
	{
		forbid_writes(rnode, nblocks, old_nblocks, true);
		RelationTruncate(rel, nblocks);
	}
	PG_CATCH();
	{
		forbid_writes(rnode, nblocks, old_nblocks, false);

		/* it may have failed with the file already cut, in the free space map */
		if (smgrnblocks(RelationGetSmgr(rel), MAIN_FORKNUM) <= nblocks)
			discard_blocks(rnode, nblocks, old_nblocks);
		PG_RE_THROW();
	}
	PG_END_TRY();
	discard_blocks(rnode, nblocks, old_nblocks);

	/* what others know of space allocated behind the end is no longer true */
	ps_file_invalidate(rnode);
	RESUME_INTERRUPTS();
}

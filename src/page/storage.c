/*
 * storage.c
 *		The main fork as a whole.
 */
#include "postgres.h"

#include "catalog/storage.h"
#include "io/extend.h"
#include "io/notice.h"
#include "miscadmin.h"
#include "page/storage.h"
#include "pool/gate.h"
#include "pool/iostat.h"
#include "pool/relation.h"
#include "pool/sentinel_client.h"
#include "storage/lmgr.h"
#include "storage/smgr.h"

/*
 * Pool: the frame is in the page table and latched before the file grows, so
 * that nobody can meet the new page before its maker has it.
 */
static void
extend_pool(Relation rel, PsPin *pin, PsWrite *guard) PS_ACQUIRE(guard)
{
	BlockNumber block;

	ps_sentinel_wait_ready();
	block = ps_nblocks(rel);
	ps_pin_added(rel, block, pin);
	ps_write_lock(rel, pin, guard);

	PG_TRY();
	{
		instr_time	start = ps_iostat_clock();
		BlockNumber added = ps_file_extend(rel, 1);

		if (added != block)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("relation \"%s\" grew to block %u where block %u was expected",
							RelationGetRelationName(rel), added, block)));
		ps_iostat_extended(start);
	}
	PG_CATCH();
	{
		/* the error has forgotten that the latch holds interrupts off */
		HOLD_INTERRUPTS();
		ps_write_unlock(guard);
		ps_unpin(pin);
		ps_pool_discard_relation(rel->rd_locator, block);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

void
ps_extend(Relation rel, PsPin *pin, PsWrite *guard)
{
	bool		need_lock = !RELATION_IS_LOCAL(rel);

	/* settled before: under the extension lock no other is to be waited for */
	(void) ps_origin(rel);
	if (need_lock)
		LockRelationForExtension(rel, ExclusiveLock);

	if (ps_enter(rel) == PS_POOL)
		extend_pool(rel, pin, guard);
	else
	{
		Buffer		buffer = ReadBufferExtended(rel, MAIN_FORKNUM, P_NEW,
												RBM_ZERO_AND_LOCK, NULL);

		*pin = ps_pin_of_buffer(buffer, BufferGetBlockNumber(buffer));
		Assert(pin->origin == PS_LOCAL || ps_buffers_may_change(rel));
		guard->rel = rel;
		guard->pin = pin;
		guard->page = unconstify(char *, pin->page);
		ps_write_held(guard);
	}

	if (need_lock)
		UnlockRelationForExtension(rel, ExclusiveLock);
}

BlockNumber
ps_nblocks(Relation rel)
{
	return RelationGetNumberOfBlocks(rel);
}

/*
 * Frames dropped before the file is cut would let a checkpoint complete with
 * their changes neither on disk nor to be replayed; frames written after it
 * would grow the file again.  So: no write from here, cut, drop.  The
 * sentinel waits for a page it owes a checkpoint while it may not write it.
 */
static void
truncate_pool(Relation rel, BlockNumber nblocks)
{
	RelFileLocator rlocator = rel->rd_locator;
	BlockNumber old_nblocks = smgrnblocks(RelationGetSmgr(rel), MAIN_FORKNUM);

	/* a FATAL exit in between would leave pages that nobody may write */
	HOLD_INTERRUPTS();
	PG_TRY();
	{
		ps_pool_forbid_writes(rlocator, nblocks, old_nblocks);
		RelationTruncate(rel, nblocks);
	}
	PG_CATCH();
	{
		ps_pool_permit_writes(rlocator, nblocks, old_nblocks);

		/* it may have failed with the file already cut, in the free space map */
		if (smgrnblocks(RelationGetSmgr(rel), MAIN_FORKNUM) <= nblocks)
			ps_pool_discard_blocks(rlocator, nblocks, old_nblocks);
		PG_RE_THROW();
	}
	PG_END_TRY();
	ps_pool_discard_blocks(rlocator, nblocks, old_nblocks);

	/* what others know of space allocated behind the end is no longer true */
	ps_file_invalidate(rlocator);
	RESUME_INTERRUPTS();
}

void
ps_truncate(Relation rel, BlockNumber nblocks)
{
	if (ps_origin(rel) == PS_POOL)
		truncate_pool(rel, nblocks);
	else
		RelationTruncate(rel, nblocks);
}

void
ps_flush(Relation rel)
{
	FlushRelationBuffers(rel);
	if (!RelationUsesLocalBuffers(rel))
		ps_pool_flush_relation(rel->rd_locator);
}

void
ps_storage_created(RelFileLocator rlocator)
{
	ps_gate_new(rlocator);
}

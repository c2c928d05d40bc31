/*
 * guard.c
 *		Pins and guards over the four origins of a page.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "access/transam.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "page/guard.h"
#include "page/stream.h"
#include "page/view.h"
#include "pgstat.h"
#include "pool/pool.h"
#include "storage/lmgr.h"
#include "storage/smgr.h"
#include "io/file.h"

PsOrigin
ps_origin(Relation rel)
{
	if (RelationUsesLocalBuffers(rel))
		return PS_LOCAL;
	if (unlikely(ps_unsettled))
		ps_settle();
	if (ps_gate_uses_shared(rel))
		return PS_SHARED;
	return PS_POOL;
}

static inline PsRelKey
relkey(Relation rel)
{
	PsRelKey	key = {rel->rd_node, RelationIsPermanent(rel)};

	return key;
}

/* ---- pins ---- */

/* Field by field: a struct made aside and copied would wait for its own stores. */
static inline void
set_frame(PsPin *pin, PsFrame frame, BlockNumber block)
{
	pin->origin = PS_POOL;
	pin->block = block;
	pin->page = ps_frame_bytes(frame);
	pin->u.frame = frame;
}

static inline PsPin
pin_of_buffer(PsOrigin origin, Buffer buffer, BlockNumber block)
{
	PsPin		pin = {origin, block, BufferGetPage(buffer), {.buffer = buffer}};

	return pin;
}

/*
 * A page read through a buffer has had core's header check only: check the
 * rest here, as the pool does for its own.
 */
static void
check_buffer_page(Relation rel, const PsPin *pin)
{
	const char *why;
	OffsetNumber offset;
	bool		good;

	LockBuffer(pin->u.buffer, BUFFER_LOCK_SHARE);
	good = ps_page_check(pin->page, &why, &offset);
	LockBuffer(pin->u.buffer, BUFFER_LOCK_UNLOCK);
	if (!good)
	{
		ReleaseBuffer(pin->u.buffer);
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("invalid page in block %u of relation \"%s\"",
						pin->block, RelationGetRelationName(rel)),
				 errdetail("%s (offset number %u)", why, offset)));
	}
}

void
ps_count_access(Relation rel, bool hit)
{
	pgstat_count_buffer_read(rel);
	if (hit)
	{
		pgstat_count_buffer_hit(rel);
		pgBufferUsage.shared_blks_hit++;
		VacuumPageHit++;
		if (VacuumCostActive)
			VacuumCostBalance += VacuumCostPageHit;
	}
	else
	{
		pgBufferUsage.shared_blks_read++;
		VacuumPageMiss++;
		if (VacuumCostActive)
			VacuumCostBalance += VacuumCostPageMiss;
	}
}

PsPin
ps_pin_buffer(Relation rel, BlockNumber block, BufferAccessStrategy strategy)
{
	PsOrigin	origin = ps_origin(rel);
	int64		reads = pgBufferUsage.shared_blks_read + pgBufferUsage.local_blks_read;
	Buffer		buffer = ReadBufferExtended(rel, MAIN_FORKNUM, block, RBM_NORMAL, strategy);
	PsPin		pin = pin_of_buffer(origin, buffer, block);

	Assert(origin == PS_SHARED || origin == PS_LOCAL);
	if (pgBufferUsage.shared_blks_read + pgBufferUsage.local_blks_read != reads)
		check_buffer_page(rel, &pin);
	return pin;
}

void
ps_pin_into(Relation rel, BlockNumber block, PsPin *pin)
{
	PsOrigin	origin = ps_origin(rel);

	if (likely(origin == PS_POOL))
	{
		PsRelKey	key = relkey(rel);
		bool		hit;

		ps_gate_pass(rel);
		set_frame(pin, ps_pool_pin(&key, block, PS_FETCH_READ, &hit), block);
		ps_count_access(rel, hit);
	}
	else
		*pin = ps_pin_buffer(rel, block, NULL);
}

PsPin
ps_pin(Relation rel, BlockNumber block)
{
	PsPin		pin;

	ps_pin_into(rel, block, &pin);
	return pin;
}

PsPin
ps_pin_copy(const PsPin *pin)
{
	switch (pin->origin)
	{
		case PS_NOWHERE:
			break;
		case PS_POOL:
			ps_pool_pin_again(pin->u.frame);
			break;
		case PS_SHARED:
		case PS_LOCAL:
			IncrBufferRefCount(pin->u.buffer);
			break;
		case PS_RING:
			ps_ring_pin_again(pin->u.piece);
			break;
	}
	return *pin;
}

void
ps_unpin(PsPin *pin)
{
	switch (pin->origin)
	{
		case PS_NOWHERE:
			break;
		case PS_POOL:
			ps_pool_unpin(pin->u.frame);
			break;
		case PS_SHARED:
		case PS_LOCAL:
			ReleaseBuffer(pin->u.buffer);
			break;
		case PS_RING:
			ps_ring_unpin(pin->u.piece);
			break;
	}
	*pin = PS_NO_PIN;
}

void
ps_pin_move(Relation rel, PsPin *pin, BlockNumber block)
{
	PsOrigin	origin = ps_origin(rel);

	if (pin->origin == origin && pin->block == block)
	{
		if (origin == PS_POOL)
		{
			/* Not counted as an access, as ReleaseAndReadBuffer() does not. */
			if (ps_pool_frame_is(pin->u.frame, rel->rd_node, block) &&
				ps_pool_is_current(pin->u.frame))
				return;
		}
		else
		{
			Buffer		buffer = ReleaseAndReadBuffer(pin->u.buffer, rel, block);

			*pin = pin_of_buffer(origin, buffer, block);
			return;
		}
	}
	ps_unpin(pin);
	ps_pin_into(rel, block, pin);
}

bool
ps_pin_is_current(const PsPin *pin)
{
	switch (pin->origin)
	{
		case PS_POOL:
			return ps_pool_is_current(pin->u.frame);
		case PS_SHARED:
		case PS_LOCAL:
			return true;
		default:
			return false;
	}
}

bool
ps_in_pool(const void *ptr)
{
	return (const char *) ptr >= ps_pool_bytes &&
		(const char *) ptr < ps_pool_bytes + (Size) ps_pool_nframes * BLCKSZ;
}

/* ---- read guard ---- */

/* The latch may have moved the pin: take over the frame it holds now. */
static inline void
pin_follow(PsPin *pin, PsFrame frame)
{
	pin->u.frame = frame;
	pin->page = ps_frame_bytes(frame);
}

PsRead
ps_read_lock(Relation rel, PsPin *pin)
{
	PsRead		guard;

	switch (pin->origin)
	{
		case PS_POOL:
			{
				PsFrame		frame = pin->u.frame;

				ps_pool_latch(&frame, LW_SHARED);
				pin_follow(pin, frame);
				break;
			}
		case PS_SHARED:
		case PS_LOCAL:
			LockBuffer(pin->u.buffer, BUFFER_LOCK_SHARE);
			break;
		case PS_RING:
			break;
		case PS_NOWHERE:
			elog(ERROR, "read lock on an empty pin");
	}
	guard.rel = rel;
	guard.pin = pin;
	guard.page = pin->page;
	return guard;
}

static void
unlock_pin(const PsPin *pin)
{
	switch (pin->origin)
	{
		case PS_POOL:
			ps_pool_unlatch(pin->u.frame);
			break;
		case PS_SHARED:
		case PS_LOCAL:
			LockBuffer(pin->u.buffer, BUFFER_LOCK_UNLOCK);
			break;
		default:
			break;
	}
}

void
ps_read_unlock(PsRead *guard)
{
	unlock_pin(guard->pin);
	guard->page = NULL;
}

/*
 * A hint that a transaction committed must not reach disk before its commit
 * record (asynchronous commit): allowed once that record is flushed, or when
 * the page's own LSN, which is flushed before the page, lies behind it.
 */
bool
ps_may_set_hint(const PsRead *guard, XLogRecPtr commit_lsn)
{
	if (!RelationIsPermanent(guard->rel) || guard->pin->origin == PS_RING)
		return true;
	if (!XLogNeedsFlush(commit_lsn))
		return true;

	/*
	 * core sets a buffer's LSN for hint bits under the share lock: read it
	 * whole
	 */
	if (guard->pin->origin == PS_SHARED)
		return BufferGetLSNAtomic(guard->pin->u.buffer) >= commit_lsn;
	return PageGetLSN(unconstify(char *, guard->page)) >= commit_lsn;
}

void
ps_set_hint(const PsRead *guard, const HeapTupleHeaderData *header, uint16 infomask_bits)
{
	unconstify(HeapTupleHeaderData *, header)->t_infomask |= infomask_bits;
	ps_mark_hinted(guard);
}

void
ps_mark_hinted(const PsRead *guard)
{
	switch (guard->pin->origin)
	{
		case PS_POOL:
			ps_pool_mark_hinted(guard->pin->u.frame);
			break;
		case PS_SHARED:

			/*
			 * A buffer pinned in recovery can outlive a promotion, after
			 * which the pool owns the page: dirtying the buffer now would let
			 * core log and write a stale image over it (I3).  The bit stays
			 * in memory.
			 */
			if (!RecoveryInProgress() && ps_gate_uses_shared(guard->rel))
				MarkBufferDirtyHint(guard->pin->u.buffer, true);
			break;
		case PS_LOCAL:
			MarkBufferDirtyHint(guard->pin->u.buffer, true);
			break;
		default:
			break;
	}
}

/* ---- write guard ---- */

PsWrite
ps_write_lock(Relation rel, PsPin *pin)
{
	PsWrite		guard;

	switch (pin->origin)
	{
		case PS_POOL:
			{
				PsFrame		frame = pin->u.frame;

				ps_sentinel_wait_ready();
				ps_pool_latch(&frame, LW_EXCLUSIVE);
				pin_follow(pin, frame);
				break;
			}
		case PS_SHARED:
		case PS_LOCAL:
			LockBuffer(pin->u.buffer, BUFFER_LOCK_EXCLUSIVE);
			break;
		default:
			elog(ERROR, "write lock on a page that cannot be written");
	}
	guard.rel = rel;
	guard.pin = pin;
	guard.page = unconstify(char *, pin->page);
	return guard;
}

bool
ps_write_trylock(Relation rel, PsPin *pin, PsWrite *guard)
{
	switch (pin->origin)
	{
		case PS_POOL:
			{
				PsFrame		frame = pin->u.frame;
				bool		latched;

				ps_sentinel_wait_ready();
				latched = ps_pool_try_latch(&frame, LW_EXCLUSIVE);

				/* the pin may have moved even so */
				pin_follow(pin, frame);
				if (!latched)
					return false;
				break;
			}
		case PS_SHARED:
		case PS_LOCAL:
			if (!ConditionalLockBuffer(pin->u.buffer))
				return false;
			break;
		default:
			return false;
	}
	guard->rel = rel;
	guard->pin = pin;
	guard->page = unconstify(char *, pin->page);
	return true;
}

void
ps_write_unlock(PsWrite *guard)
{
	unlock_pin(guard->pin);
	guard->page = NULL;
}

void
ps_mark_dirty(PsWrite *guard)
{
	if (guard->pin->origin == PS_POOL)
		ps_pool_mark_dirty(guard->pin->u.frame);
	else
		MarkBufferDirty(guard->pin->u.buffer);
}

void
ps_xlog_register(uint8 block_id, const PsWrite *guard, uint8 flags)
{
	const PsPin *pin = guard->pin;

	if (pin->origin == PS_POOL)
		XLogRegisterBlock(block_id, &guard->rel->rd_node, MAIN_FORKNUM,
						  pin->block, guard->page, flags);
	else
		XLogRegisterBuffer(block_id, pin->u.buffer, flags);
}

bool
ps_write_movable(PsWrite *guard)
{
	PsPin	   *pin = guard->pin;

	if (pin->origin == PS_POOL)
	{
		PsFrame		frame = pin->u.frame;

		if (!ps_pool_make_movable(&frame))
			return false;
		pin_follow(pin, frame);
		guard->page = unconstify(char *, pin->page);
		return true;
	}
	return IsBufferCleanupOK(pin->u.buffer);
}

/*
 * Pool: the frame is in the page table and latched before the file grows, so
 * that nobody can meet the new page before its maker has it.
 */
static PsWrite
extend_pool(Relation rel, PsPin *pin)
{
	PsRelKey	key = relkey(rel);
	BlockNumber block;
	PsWrite		guard;

	ps_gate_pass(rel);
	ps_sentinel_wait_ready();
	block = ps_nblocks(rel);
	set_frame(pin, ps_pool_pin(&key, block, PS_FETCH_NEW, NULL), block);
	pgstat_count_buffer_read(rel);
	guard = ps_write_lock(rel, pin);

	PG_TRY();
	{
		BlockNumber added = ps_file_extend(rel, 1);

		if (added != block)
			ereport(ERROR,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("relation \"%s\" grew to block %u where block %u was expected",
							RelationGetRelationName(rel), added, block)));
	}
	PG_CATCH();
	{
		/* the error has forgotten that the latch holds interrupts off */
		HOLD_INTERRUPTS();
		ps_write_unlock(&guard);
		ps_unpin(pin);
		ps_pool_discard_relation(rel->rd_node, block);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return guard;
}

PsWrite
ps_extend(Relation rel, PsPin *pin)
{
	PsOrigin	origin = ps_origin(rel);
	bool		need_lock = !RELATION_IS_LOCAL(rel);
	PsWrite		guard;

	if (need_lock)
		LockRelationForExtension(rel, ExclusiveLock);

	if (origin == PS_POOL)
		guard = extend_pool(rel, pin);
	else
	{
		Buffer		buffer = ReadBufferExtended(rel, MAIN_FORKNUM, P_NEW,
												RBM_ZERO_AND_LOCK, NULL);

		*pin = pin_of_buffer(origin, buffer, BufferGetBlockNumber(buffer));
		guard.rel = rel;
		guard.pin = pin;
		guard.page = unconstify(char *, pin->page);
	}

	if (need_lock)
		UnlockRelationForExtension(rel, ExclusiveLock);
	return guard;
}

BlockNumber
ps_nblocks(Relation rel)
{
	return RelationGetNumberOfBlocks(rel);
}

int
ps_prefetch_run(Relation rel, BlockNumber block, int n)
{
	PsRelKey	key = relkey(rel);

	if (ps_origin(rel) != PS_POOL)
		return 0;
	ps_gate_pass(rel);
	return ps_pool_prefetch(&key, block, n);
}

void
ps_prefetch(Relation rel, BlockNumber block)
{
	(void) ps_prefetch_run(rel, block, 1);
}

/*
 * guard.c
 *		Pins and guards over the four origins of a page.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "access/transam.h"
#include "catalog/storage.h"
#include "debug/stop.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "page/guard.h"
#include "page/ring.h"
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

/* What kind of buffer it is, it tells itself: no pin says that a buffer is a frame. */
static inline PsPin
pin_of_buffer(Buffer buffer, BlockNumber block)
{
	PsOrigin	origin = BufferIsLocal(buffer) ? PS_LOCAL : PS_SHARED;
	PsPin		pin = {origin, block, BufferGetPage(buffer), {.buffer = buffer}};

	return pin;
}

/*
 * A page read through a buffer has had core's header check only: check the
 * rest here, as the pool does for its own.  One that was read while the pool
 * took over is of no account: nobody looks at it (ps_read_lock()).
 */
static void
check_buffer_page(Relation rel, const PsPin *pin)
{
	const char *why;
	OffsetNumber offset;
	bool		good;

	LockBuffer(pin->u.buffer, BUFFER_LOCK_SHARE);
	good = ps_page_check(pin->page, &why, &offset) ||
		(pin->origin == PS_SHARED && !ps_gate_uses_shared(rel));
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

static void
pin_in_buffers(Relation rel, BlockNumber block, BufferAccessStrategy strategy, PsPin *pin)
{
	int64		reads = pgBufferUsage.shared_blks_read + pgBufferUsage.local_blks_read;
	Buffer		buffer = ReadBufferExtended(rel, MAIN_FORKNUM, block, RBM_NORMAL, strategy);

	*pin = pin_of_buffer(buffer, block);
	if (pgBufferUsage.shared_blks_read + pgBufferUsage.local_blks_read != reads)
		check_buffer_page(rel, pin);
}

static inline void
pin_in_pool(Relation rel, BlockNumber block, PsPin *pin)
{
	PsRelKey	key = relkey(rel);
	bool		hit;

	ps_gate_pass(rel);
	PS_STOP("pin-gate-passed");
	set_frame(pin, ps_pool_pin(&key, block, PS_FETCH_READ, &hit), block);
	ps_count_access(rel, hit);
}

static inline void
pin_at(Relation rel, PsOrigin origin, BlockNumber block, BufferAccessStrategy strategy, PsPin *pin)
{
	PS_STOP("pin-origin-known");
	if (likely(origin == PS_POOL))
		pin_in_pool(rel, block, pin);
	else
		pin_in_buffers(rel, block, strategy, pin);
}

void
ps_pin_at(Relation rel, PsOrigin origin, BlockNumber block, BufferAccessStrategy strategy, PsPin *pin)
{
	pin_at(rel, origin, block, strategy, pin);
}

void
ps_pin_into(Relation rel, BlockNumber block, PsPin *pin)
{
	pin_at(rel, ps_origin(rel), block, NULL, pin);
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
			*pin = pin_of_buffer(ReleaseAndReadBuffer(pin->u.buffer, rel, block), block);
			return;
		}
	}
	ps_unpin(pin);
	pin_at(rel, origin, block, NULL, pin);
}

bool
ps_pin_is_current(const PsPin *pin)
{
	switch (pin->origin)
	{
		case PS_POOL:
			return ps_pool_is_current(pin->u.frame);
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

static inline void
latch_frame(PsPin *pin, LWLockMode mode)
{
	PsFrame		frame = pin->u.frame;

	ps_pool_latch(&frame, mode);
	pin_follow(pin, frame);
}

/* What the pin holds is the page no more, and the page is the pool's: hold that.  No lock held. */
static void
go_to_pool(Relation rel, PsPin *pin)
{
	PsPin		old = *pin;

	pin_in_pool(rel, old.block, pin);
	ps_unpin(&old);
}

/*
 * May a shared buffer of this relation be changed?  Not in recovery, and apart
 * from that only while shared buffers own the relation for a reason that lies
 * with this process: it is alone, or its own transaction has made the file or
 * switched the table, which nobody else can reach before that transaction has
 * ended.  Nobody ends a transaction with a page locked, so the answer holds
 * until the page is unlocked.  After recovery the answer is no, for good: no
 * buffer of a table of the pool gets dirty again, whatever it was pinned for.
 */
static inline bool
buffers_may_change(Relation rel)
{
	return !RecoveryInProgress() && ps_gate_uses_shared(rel);
}

PsRead
ps_read_lock(Relation rel, PsPin *pin)
{
	PsRead		guard;

	switch (pin->origin)
	{
		case PS_POOL:
			latch_frame(pin, LW_SHARED);
			break;
		case PS_SHARED:
			LockBuffer(pin->u.buffer, BUFFER_LOCK_SHARE);

			/*
			 * Pinned in recovery, which may have ended: then the pool has the
			 * page, and changes it.  Asked under the lock, a yes makes what
			 * is read here the page as of this moment.
			 */
			if (likely(ps_gate_uses_shared(rel)))
				break;
			LockBuffer(pin->u.buffer, BUFFER_LOCK_UNLOCK);
			go_to_pool(rel, pin);
			latch_frame(pin, LW_SHARED);
			break;
		case PS_LOCAL:
			LockBuffer(pin->u.buffer, BUFFER_LOCK_SHARE);
			break;
		case PS_RING:
			if (likely(ps_ring_first_look(pin->u.piece, pin->block)))
				break;
			go_to_pool(rel, pin);
			latch_frame(pin, LW_SHARED);
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
			/* else the bit stays in memory */
			if (buffers_may_change(guard->rel))
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
			ps_sentinel_wait_ready();
			latch_frame(pin, LW_EXCLUSIVE);
			break;
		case PS_SHARED:
			LockBuffer(pin->u.buffer, BUFFER_LOCK_EXCLUSIVE);
			if (likely(buffers_may_change(rel)))
				break;
			LockBuffer(pin->u.buffer, BUFFER_LOCK_UNLOCK);
			if (RecoveryInProgress())
				ereport(ERROR,
						(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
						 errmsg("cannot change block %u of relation \"%s\" during recovery",
								pin->block, RelationGetRelationName(rel))));
			go_to_pool(rel, pin);
			ps_sentinel_wait_ready();
			latch_frame(pin, LW_EXCLUSIVE);
			break;
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
			if (!ps_sentinel_is_ready() || !ps_pool_try_latch(pin->u.frame, LW_EXCLUSIVE))
				return false;
			break;
		case PS_SHARED:
			if (!ConditionalLockBuffer(pin->u.buffer))
				return false;
			if (buffers_may_change(rel))
				break;
			LockBuffer(pin->u.buffer, BUFFER_LOCK_UNLOCK);
			return false;
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
	Assert(guard->pin->origin != PS_SHARED || buffers_may_change(guard->rel));
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
ps_write_movable(PsWrite *guard, bool wait)
{
	PsPin	   *pin = guard->pin;

	if (pin->origin == PS_POOL)
	{
		PsFrame		frame = pin->u.frame;

		if (!ps_pool_make_movable(&frame, wait))
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
	bool		need_lock = !RELATION_IS_LOCAL(rel);
	PsWrite		guard;

	if (need_lock)
		LockRelationForExtension(rel, ExclusiveLock);

	if (ps_origin(rel) == PS_POOL)
		guard = extend_pool(rel, pin);
	else
	{
		Buffer		buffer = ReadBufferExtended(rel, MAIN_FORKNUM, P_NEW,
												RBM_ZERO_AND_LOCK, NULL);

		*pin = pin_of_buffer(buffer, BufferGetBlockNumber(buffer));
		Assert(pin->origin == PS_LOCAL || buffers_may_change(rel));
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

void
ps_truncate(Relation rel, BlockNumber nblocks)
{
	if (ps_origin(rel) == PS_POOL)
		ps_pool_truncate(rel, nblocks);
	else
		RelationTruncate(rel, nblocks);
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

/*
 * guard.c
 *		Guards over the four origins of a page.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "page/guard.h"
#include "page/ring.h"
#include "pool/gate.h"
#include "pool/pool.h"
#include "pool/sentinel_client.h"
#include "server/compat.h"
#include "storage/buf_internals.h"

/* The page may have moved to another frame, and the pin with it. */
static inline void
move_to(PsPin *pin, PsFrame frame)
{
	pin->u.frame = frame;
	pin->page = ps_frame_bytes(frame);
}

static inline void
latch_frame(PsPin *pin, LWLockMode mode)
{
	PsFrame		frame = pin->u.frame;

	ps_pool_latch(&frame, mode);
	move_to(pin, frame);
}

/*
 * What is locked below are latches and buffers: these make guards of it, which
 * clang's analysis can't see.
 */
void
ps_read_lock(Relation rel, PsPin *pin, PsRead *guard) PS_UNCHECKED
{
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
			ps_pin_in_pool(rel, pin);
			latch_frame(pin, LW_SHARED);
			break;
		case PS_LOCAL:
			LockBuffer(pin->u.buffer, BUFFER_LOCK_SHARE);
			break;
		case PS_RING:
			if (likely(ps_ring_first_look(pin->u.piece, pin->block)))
				break;
			ps_pin_in_pool(rel, pin);
			latch_frame(pin, LW_SHARED);
			break;
		case PS_NOWHERE:
			elog(ERROR, "read lock on an empty pin");
	}
	guard->rel = rel;
	guard->pin = pin;
	guard->page = pin->page;
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
ps_read_unlock(PsRead *guard) PS_UNCHECKED
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

/* Else a hint stays in memory. */
static inline bool
may_dirty(const PsRead *guard)
{
	return guard->pin->origin != PS_SHARED || ps_buffers_may_change(guard->rel);
}

void
ps_set_hint(const PsRead *guard, const HeapTupleHeaderData *header, uint16 infomask_bits)
{
	bool		shared = guard->pin->origin == PS_SHARED || guard->pin->origin == PS_LOCAL;

	/*
	 * A buffer that is being written holds still: the hint is set another
	 * time.
	 */
	if (shared && !BufferBeginSetHintBits(guard->pin->u.buffer))
		return;
	unconstify(HeapTupleHeaderData *, header)->t_infomask |= infomask_bits;
	if (shared)
		BufferFinishSetHintBits(guard->pin->u.buffer, may_dirty(guard), true);
	else
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
		case PS_LOCAL:
			if (may_dirty(guard))
				MarkBufferDirtyHint(guard->pin->u.buffer, true);
			break;
		default:
			break;
	}
}

/* ---- write guard ---- */

void
ps_write_lock(Relation rel, PsPin *pin, PsWrite *guard) PS_UNCHECKED
{
	switch (pin->origin)
	{
		case PS_POOL:
			ps_sentinel_wait_ready();
			latch_frame(pin, LW_EXCLUSIVE);
			break;
		case PS_SHARED:
			LockBuffer(pin->u.buffer, BUFFER_LOCK_EXCLUSIVE);
			if (likely(ps_buffers_may_change(rel)))
				break;
			LockBuffer(pin->u.buffer, BUFFER_LOCK_UNLOCK);
			if (RecoveryInProgress())
				ereport(ERROR,
						(errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
						 errmsg("cannot change block %u of relation \"%s\" during recovery",
								pin->block, RelationGetRelationName(rel))));
			ps_pin_in_pool(rel, pin);
			ps_sentinel_wait_ready();
			latch_frame(pin, LW_EXCLUSIVE);
			break;
		case PS_LOCAL:
			LockBuffer(pin->u.buffer, BUFFER_LOCK_EXCLUSIVE);
			break;
		default:
			elog(ERROR, "write lock on a page that cannot be written");
	}
	guard->rel = rel;
	guard->pin = pin;
	guard->page = unconstify(char *, pin->page);
}

bool
ps_write_trylock(Relation rel, PsPin *pin, PsWrite *guard) PS_UNCHECKED
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
			if (ps_buffers_may_change(rel))
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
ps_write_unlock(PsWrite *guard) PS_UNCHECKED
{
	unlock_pin(guard->pin);
	guard->page = NULL;
}

void
ps_mark_dirty(PsWrite *guard)
{
	Assert(guard->pin->origin != PS_SHARED || ps_buffers_may_change(guard->rel));
	if (guard->pin->origin == PS_POOL)
		ps_pool_mark_dirty(guard->pin->u.frame);
	else
		MarkBufferDirty(guard->pin->u.buffer);
}

bool
ps_write_is_dirty(const PsWrite *guard)
{
	const PsPin *pin = guard->pin;
	BufferDesc *header;

	if (pin->origin == PS_POOL)
		return ps_pool_is_dirty(pin->u.frame);
	header = BufferIsLocal(pin->u.buffer) ? GetLocalBufferDescriptor(-pin->u.buffer - 1) :
		GetBufferDescriptor(pin->u.buffer - 1);
	return (ps_buffer_state(header) & BM_DIRTY) != 0;
}

void
ps_xlog_register(uint8 block_id, const PsWrite *guard, uint8 flags)
{
	const PsPin *pin = guard->pin;

	if (pin->origin == PS_POOL)
		XLogRegisterBlock(block_id, &guard->rel->rd_locator, MAIN_FORKNUM,
						  pin->block, guard->page, flags);
	else
		XLogRegisterBuffer(block_id, pin->u.buffer, flags);
}

bool
ps_xlog_wants_image(const PsWrite *guard)
{
	XLogRecPtr	redo;
	bool		images;

	if (!RelationNeedsWAL(guard->rel))
		return false;
	GetFullPageWriteInfo(&redo, &images);
	return images && PageGetLSN(guard->page) <= redo;
}

bool
ps_write_is_sole_pin(const PsWrite *guard)
{
	const PsPin *pin = guard->pin;

	if (pin->origin == PS_POOL)
		return ps_pool_is_sole_pin(pin->u.frame);
	return IsBufferCleanupOK(pin->u.buffer);
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
		move_to(pin, frame);
		guard->page = unconstify(char *, pin->page);
		return true;
	}
	return IsBufferCleanupOK(pin->u.buffer);
}

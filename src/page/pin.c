/*
 * pin.c
 *		Pins over the four origins of a page.
 */
#include "postgres.h"

#include "debug/stop.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "page/pin.h"
#include "page/ring.h"
#include "page/usage.h"
#include "page/view.h"
#include "pgstat.h"
#include "pool/ahead.h"
#include "pool/gate.h"
#include "pool/pin.h"
#include "pool/read.h"
#include "server/compat.h"

/*
 * A page read through a buffer has had core's header check only: check the
 * rest here, as the pool does for its own.  One that was read while the pool
 * took over does not matter: nobody looks at it (ps_read_lock()).
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

/*
 * Count an access to a page of the pool, for statistics, EXPLAIN and vacuum's
 * cost delay, as core does for shared buffers.  hit: it was resident when asked
 * for, not read for us.
 */
static void
count_access(Relation rel, bool hit)
{
	pgstat_count_buffer_read(rel);
	ps_usage_count(hit);
	if (hit)
	{
		pgstat_count_buffer_hit(rel);
		PS_COUNT_VACUUM_PAGE(Hit);
		if (VacuumCostActive)
			VacuumCostBalance += VacuumCostPageHit;
	}
	else
	{
		PS_COUNT_VACUUM_PAGE(Miss);
		if (VacuumCostActive)
			VacuumCostBalance += VacuumCostPageMiss;
	}
}

/* Field by field: a struct made aside and copied waits for its stores. */
static inline void
set_frame(PsPin *pin, PsFrame frame, BlockNumber block)
{
	pin->origin = PS_POOL;
	pin->block = block;
	pin->page = ps_frame_bytes(frame);
	pin->u.frame = frame;
}

static bool
pin_in_buffers(Relation rel, BlockNumber block, BufferAccessStrategy strategy, PsPin *pin)
{
	int64		reads = pgBufferUsage.shared_blks_read + pgBufferUsage.local_blks_read;
	Buffer		buffer = ReadBufferExtended(rel, MAIN_FORKNUM, block, RBM_NORMAL, strategy);

	*pin = ps_pin_of_buffer(buffer, block);
	if (pgBufferUsage.shared_blks_read + pgBufferUsage.local_blks_read == reads)
		return true;
	check_buffer_page(rel, pin);
	return false;
}

/* The gate has been passed. */
static inline bool
pin_in_pool(Relation rel, BlockNumber block, PsPin *pin)
{
	PsRelKey	key = ps_rel_key(rel);
	bool		hit;

	PS_STOP("pin-gate-passed");
	set_frame(pin, ps_pool_pin(&key, block, PS_FETCH_READ, &hit), block);
	count_access(rel, hit);
	return hit;
}

static inline bool
pin_at(Relation rel, PsOrigin origin, BlockNumber block, BufferAccessStrategy strategy, PsPin *pin)
{
	PS_STOP("pin-origin-known");
	return likely(origin == PS_POOL) ? pin_in_pool(rel, block, pin) :
		pin_in_buffers(rel, block, strategy, pin);
}

bool
ps_pin_at(Relation rel, PsOrigin origin, BlockNumber block, BufferAccessStrategy strategy, PsPin *pin)
{
	return pin_at(rel, origin, block, strategy, pin);
}

void
ps_pin_added(Relation rel, BlockNumber block, PsPin *pin)
{
	PsRelKey	key = ps_rel_key(rel);

	set_frame(pin, ps_pool_pin(&key, block, PS_FETCH_NEW, NULL), block);
	if (PS_EXTENSION_IS_READ)
		pgstat_count_buffer_read(rel);
}

/* The latch on the other page keeps the relation where it is: its owner need not be asked. */
bool
ps_pin_resident(Relation rel, const PsPin *beside, BlockNumber block, PsPin *pin)
{
	PsRelKey	key = ps_rel_key(rel);
	PsFrame		frame;

	if (beside->origin != PS_POOL)
		return false;
	frame = ps_pool_pin_resident(&key, block);
	if (frame == PS_NO_FRAME)
		return false;
	set_frame(pin, frame, block);
	return true;
}

void
ps_pin_count(Relation rel, const PsPin *pin)
{
	ps_pool_count_hit(pin->u.frame);
	count_access(rel, true);
}

void
ps_pin_in_pool(Relation rel, PsPin *pin)
{
	PsPin		old = *pin;

	ps_gate_pass(rel);
	(void) pin_in_pool(rel, old.block, pin);
	ps_unpin(&old);
}

void
ps_pin_into(Relation rel, BlockNumber block, PsPin *pin)
{
	(void) pin_at(rel, ps_enter(rel), block, NULL, pin);
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

bool
ps_pin_move(Relation rel, PsPin *pin, BlockNumber block)
{
	PsOrigin	origin = ps_enter(rel);

	if (pin->origin == origin && pin->block == block)
	{
		if (origin == PS_POOL)
		{
			/* Not counted as an access, as ReleaseAndReadBuffer() does not. */
			if (ps_pool_frame_is(pin->u.frame, rel->rd_locator, block) &&
				ps_pool_is_current(pin->u.frame))
				return true;
		}
		else
		{
			*pin = ps_pin_of_buffer(ReleaseAndReadBuffer(pin->u.buffer, rel, block), block);
			return true;
		}
	}
	ps_unpin(pin);
	return pin_at(rel, origin, block, NULL, pin);
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
		(const char *) ptr < ps_pool_bytes + (Size) ps_frames_max * BLCKSZ;
}

/* ---- read ahead ---- */

int
ps_prefetch(Relation rel, BlockNumber *blocks, int n)
{
	PsRelKey	key = ps_rel_key(rel);
	int			requests = 0;

	if (n == 0 || ps_enter(rel) != PS_POOL)
		return 0;
	return ps_pool_prefetch(&key, blocks, n, false, &requests);
}

int
ps_prefetch_run(Relation rel, BlockNumber block, int n)
{
	BlockNumber blocks[PS_AHEAD_MAX];
	int			started = 0;

	while (n > 0)
	{
		int			listed = Min(n, PS_AHEAD_MAX);

		for (int i = 0; i < listed; i++)
			blocks[i] = block++;
		started += ps_prefetch(rel, blocks, listed);
		n -= listed;
	}
	return started;
}

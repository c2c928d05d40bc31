/*
 * gate.c
 *		Who owns a relation's pages: the pool or shared buffers.
 *
 * What has passed is remembered in the relation's relcache entry, for as long
 * as the registry's generation stands.  That need not move when a number
 * begins another life: whoever uses that one has been told by an invalidation
 * of the entry.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xlog.h"
#include "io/file.h"
#include "io/notice.h"
#include "miscadmin.h"
#include "pool/gate.h"
#include "pool/hold.h"
#include "pool/registry.h"
#include "pool/relation.h"
#include "pool/stray.h"
#include "utils/memutils.h"

/* What this process knows to have passed: hangs on the relcache entry, as its rd_amcache. */
typedef struct GateMemo
{
	uint64		generation;
	RelFileLocator rlocator;
} GateMemo;

bool
ps_gate_uses_shared(Relation rel)
{
	if (RecoveryInProgress() || !IsUnderPostmaster)
		return true;
	if (RelationIsPermanent(rel) && !RelationNeedsWAL(rel))
		return true;
	if (unlikely(ps_hold_table != NULL) && ps_holds(rel->rd_locator, false))
		return true;
	return IsParallelWorker() && ps_registry_is_held(rel->rd_locator);
}

/* ---- passing ---- */

static void
remember(Relation rel, uint64 generation)
{
	GateMemo   *memo = rel->rd_amcache;

	if (memo == NULL)
		rel->rd_amcache = memo = MemoryContextAlloc(CacheMemoryContext, sizeof(GateMemo));
	memo->rlocator = rel->rd_locator;
	memo->generation = generation;
}

static void
pass(Relation rel)
{
	RelFileLocator rlocator = rel->rd_locator;
	uint64		generation = pg_atomic_read_u64(ps_registry_generation);
	PsRegistryState state;

	pg_read_barrier();
	state = ps_registry_state(rlocator);
	Assert(state != PS_REGISTRY_HELD);
	if (state != PS_REGISTRY_POOL)
	{
		/*
		 * What redo, or a transaction that skipped WAL or switched the table
		 * from heap, left dirty goes to the file now.  Whoever else passes at
		 * the same time waits for the same writes.
		 */
		if (state != PS_REGISTRY_FRESH)
			ps_stray_pass(rel);
		ps_file_drop_page_cache(rlocator);
		ps_registry_enter(rlocator, PS_REGISTRY_POOL);
	}
	remember(rel, generation);
}

void
ps_gate_pass(Relation rel)
{
	const GateMemo *memo = rel->rd_amcache;

	if (likely(memo != NULL &&
			   memo->generation == pg_atomic_read_u64(ps_registry_generation) &&
			   RelFileLocatorEquals(memo->rlocator, rel->rd_locator)))
	{
		Assert(ps_registry_is_incomplete() || ps_registry_state(rel->rd_locator) == PS_REGISTRY_POOL);
		return;
	}
	pass(rel);
}

/* ---- beginnings and ends ---- */

/* Pages and descriptors of an earlier life of the number; somebody may have missed its end. */
static void
end_earlier_life(RelFileLocator rlocator)
{
	if (!ps_registry_may_have_frames(rlocator))
		return;
	ps_registry_forget(&rlocator, 1);
	ps_pool_discard_relation(rlocator, 0);
	ps_file_invalidate(rlocator);
}

/*
 * Born here unless the relation may skip WAL, in which case shared buffers
 * have it first.
 */
void
ps_gate_new(RelFileLocator rlocator)
{
	end_earlier_life(rlocator);
	if (XLogIsNeeded() && IsUnderPostmaster)
		ps_registry_enter(rlocator, PS_REGISTRY_FRESH);
}

void
ps_gate_end_database(Oid dboid)
{
	RelFileLocator all = {InvalidOid, dboid, InvalidOid};

	ps_pool_discard_database(dboid);
	ps_registry_forget_database(dboid);
	ps_file_invalidate(all);
}

void
ps_gate_end_tablespace(Oid tablespace)
{
	RelFileLocator all = {tablespace, InvalidOid, InvalidOid};

	ps_pool_discard_tablespace(tablespace);
	ps_file_invalidate(all);
}

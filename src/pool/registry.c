/*
 * registry.c
 *		The registry of relations that have passed the gate.
 *
 * It is empty at start and grows by what is used (registry_table.c).  Should it
 * ever be full, relations are served without being in
 * it: it is "incomplete", each process passes them for itself, and whether a
 * number has frames is asked of the page table.
 */
#include "postgres.h"

#include "debug/stop.h"
#include "miscadmin.h"
#include "pool/pool.h"
#include "pool/registry.h"
#include "storage/shmem.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

typedef struct RegistryShared
{
	/* atomics; every page access reads them */
	pg_atomic_uint64 generation;
	pg_atomic_uint32 nheld;
	pg_atomic_uint32 incomplete;
	char		pad[PG_CACHE_LINE_SIZE];

	PsLock		lock;			/* guards the entries */
	PsLock		owner_lock;		/* see ps_owner_lock */
} RegistryShared;

static RegistryShared *shared;

static PsRegistryTable *registry PS_GUARDED_BY(shared->lock);
pg_atomic_uint64 *ps_registry_generation;
PsLock	   *ps_owner_lock;

/*
 * Of this process and transaction: relations made in the pool, with no room in
 * the registry.  By rlocator; NULL unless there is one.
 */
static HTAB *born = NULL;

Size
ps_registry_shmem_size(void)
{
	return add_size(MAXALIGN(sizeof(RegistryShared)), ps_registry_table_shmem_size());
}

void
ps_registry_shmem_init(void) PS_UNCHECKED
{
	bool		found;

	shared = ShmemInitStruct("pagestore gate", sizeof(RegistryShared), &found);
	registry = ps_registry_table_shmem_init();
	ps_registry_generation = &shared->generation;
	ps_owner_lock = &shared->owner_lock;
	pg_atomic_init_u64(&shared->generation, 1);
	pg_atomic_init_u32(&shared->nheld, 0);
	pg_atomic_init_u32(&shared->incomplete, 0);
	ps_lock_init(&shared->lock, ps_tranche(PS_TRANCHE_REGISTRY));
	ps_lock_init(&shared->owner_lock, ps_tranche(PS_TRANCHE_GATE));
}

/* ---- entries ---- */

static PsRegistryEntry *
find_entry(const RelFileLocator *rlocator) PS_REQUIRES_SHARED(shared->lock)
{
	Assert(ps_lock_is_held(&shared->lock));
	return ps_registry_table_find(registry, rlocator);
}

/* The relation's entry, made if need be; NULL when there is no room. */
static PsRegistryEntry *
make_entry(const RelFileLocator *rlocator) PS_REQUIRES(shared->lock)
{
	Assert(ps_lock_is_exclusive(&shared->lock));
	if (PS_ASK("gate-full"))
		return find_entry(rlocator);
	return ps_registry_table_enter(registry, rlocator);
}

static void
remove_entry(PsRegistryEntry *entry) PS_REQUIRES(shared->lock)
{
	Assert(ps_lock_is_exclusive(&shared->lock));
	if (entry->state == PS_REGISTRY_HELD)
		pg_atomic_fetch_sub_u32(&shared->nheld, 1);
	ps_registry_table_remove(registry, entry);
}

/* Nobody may go on believing what it remembers. */
static void
next_generation(void)
{
	pg_atomic_fetch_add_u64(&shared->generation, 1);
}

/* Whoever acts on an earlier answer has finished when this returns. */
static void
wait_for_owner_lock(void)
{
	ps_lock_shared(ps_owner_lock);
	ps_unlock(ps_owner_lock);
}

/* ---- births without room ---- */

static void
note_birth(RelFileLocator rlocator)
{
	HASHCTL		ctl = {.keysize = sizeof(RelFileLocator),.entrysize = sizeof(RelFileLocator),.hcxt = TopMemoryContext};

	if (born == NULL)
		born = hash_create("pagestore relations unknown to the registry", 64, &ctl,
						   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	(void) hash_search(born, &rlocator, HASH_ENTER, NULL);
}

static bool
is_born_here(RelFileLocator rlocator)
{
	return born != NULL && hash_search(born, &rlocator, HASH_FIND, NULL) != NULL;
}

void
ps_registry_at_xact_end(void)
{
	if (born != NULL)
		hash_destroy(born);
	born = NULL;
}

/* ---- questions ---- */

PsRegistryState
ps_registry_state(RelFileLocator rlocator)
{
	PsRegistryEntry *entry;
	PsRegistryState state;

	ps_lock_shared(&shared->lock);
	entry = find_entry(&rlocator);
	state = entry ? entry->state : PS_REGISTRY_NONE;
	ps_unlock(&shared->lock);
	return state;
}

bool
ps_registry_is_incomplete(void)
{
	return pg_atomic_read_u32(&shared->incomplete) != 0;
}

bool
ps_registry_pool_owns(RelFileLocator rlocator)
{
	PsRegistryState state = ps_registry_state(rlocator);

	return state == PS_REGISTRY_FRESH || state == PS_REGISTRY_POOL ||
		(state == PS_REGISTRY_NONE && is_born_here(rlocator));
}

bool
ps_registry_may_have_frames(RelFileLocator rlocator)
{
	return ps_registry_is_incomplete() || ps_registry_state(rlocator) != PS_REGISTRY_NONE;
}

bool
ps_registry_is_held(RelFileLocator rlocator)
{
	return pg_atomic_read_u32(&shared->nheld) != 0 && ps_registry_state(rlocator) == PS_REGISTRY_HELD;
}

/* ---- changes ---- */

void
ps_registry_enter(RelFileLocator rlocator, PsRegistryState state)
{
	PsRegistryEntry *entry;
	bool		is_news = false;
	uint32		nentries;

	Assert(state == PS_REGISTRY_FRESH || state == PS_REGISTRY_POOL);
	ps_lock_exclusive(&shared->lock);
	entry = make_entry(&rlocator);
	if (entry)
	{
		Assert(entry->state != PS_REGISTRY_HELD);
		entry->state = state;
	}
	else
		is_news = pg_atomic_exchange_u32(&shared->incomplete, 1) == 0;
	nentries = ps_registry_table_count(registry);
	ps_unlock(&shared->lock);

	if (is_news)
		ereport(LOG,
				(errmsg("pagestore has no room to remember more than %u tables in use", nentries),
				 errdetail("The first access of each process to a further one looks through shared_buffers.")));
	if (entry == NULL && state == PS_REGISTRY_FRESH)
		note_birth(rlocator);
}

bool
ps_registry_hold(RelFileLocator rlocator)
{
	PsRegistryEntry *entry;

	ps_lock_exclusive(&shared->lock);
	entry = make_entry(&rlocator);
	if (entry)
	{
		if (entry->state != PS_REGISTRY_HELD)
			pg_atomic_fetch_add_u32(&shared->nheld, 1);
		entry->state = PS_REGISTRY_HELD;
	}

	/* marked or not: others may remember that it has passed */
	next_generation();
	ps_unlock(&shared->lock);
	return entry != NULL;
}

void
ps_registry_release(RelFileLocator rlocator)
{
	PsRegistryEntry *entry;

	ps_lock_exclusive(&shared->lock);
	entry = find_entry(&rlocator);

	/* the number may have begun another life meanwhile */
	if (entry && entry->state == PS_REGISTRY_HELD)
		remove_entry(entry);
	ps_unlock(&shared->lock);
}

void
ps_registry_begin_leaving(RelFileLocator rlocator)
{
	PsRegistryEntry *entry;

	ps_lock_exclusive(&shared->lock);
	entry = find_entry(&rlocator);
	if (entry)
	{
		entry->state = PS_REGISTRY_LEAVING;
		next_generation();
	}
	ps_unlock(&shared->lock);
	wait_for_owner_lock();
}

void
ps_registry_forget(const RelFileLocator *rlocators, int n)
{
	ps_lock_exclusive(&shared->lock);
	for (int i = 0; i < n; i++)
	{
		PsRegistryEntry *entry = find_entry(&rlocators[i]);

		if (entry)
			remove_entry(entry);
	}
	ps_unlock(&shared->lock);
	wait_for_owner_lock();
}

void
ps_registry_forget_database(Oid dboid)
{
	PsRegistryEntry *entry = NULL;

	ps_lock_exclusive(&shared->lock);
	while ((entry = ps_registry_table_next(registry, entry)) != NULL)
		if (entry->rlocator.dbOid == dboid)
			remove_entry(entry);
	ps_unlock(&shared->lock);
}

/* ---- statistics ---- */

bool
ps_registry_add(const PsRelDelta *deltas, int n, bool wait)
{
	if (wait)
		ps_lock_shared(&shared->lock);
	else if (!ps_trylock_shared(&shared->lock))
		return false;
	for (; n > 0; n--, deltas++)
	{
		PsRegistryEntry *entry = find_entry(&deltas->rlocator);

		for (int i = 0; entry != NULL && i < PS_NRELCOUNTERS; i++)
			if (deltas->n[i] > 0)
				pg_atomic_fetch_add_u64(&entry->counts[i], deltas->n[i]);
	}
	ps_unlock(&shared->lock);
	return true;
}

void
ps_registry_counts(RelFileLocator rlocator, uint64 counts[PS_NRELCOUNTERS])
{
	PsRegistryEntry *entry;

	ps_lock_shared(&shared->lock);
	entry = find_entry(&rlocator);
	for (int i = 0; i < PS_NRELCOUNTERS; i++)
		counts[i] = entry ? pg_atomic_read_u64(&entry->counts[i]) : 0;
	ps_unlock(&shared->lock);
}

void
ps_registry_reset_counts(void)
{
	PsRegistryEntry *entry = NULL;

	ps_lock_exclusive(&shared->lock);
	while ((entry = ps_registry_table_next(registry, entry)) != NULL)
		for (int i = 0; i < PS_NRELCOUNTERS; i++)
			pg_atomic_write_u64(&entry->counts[i], 0);
	ps_unlock(&shared->lock);
}

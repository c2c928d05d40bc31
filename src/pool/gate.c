/*
 * gate.c
 *		Who owns a relation's pages: the pool or shared buffers
 *		(doc/architecture.md, One owner).
 *
 * A shared registry names the relations that have passed the gate: nothing of
 * theirs is dirty in shared buffers, and only they can have frames.  It is
 * empty at start and grows by what is used: its room is address space until
 * then.  Should it ever be full, relations are served without being in it: it
 * is "incomplete", each process passes them for itself, and who wants to know
 * whether a number has frames asks the page table.
 *
 * What has passed is remembered in the relation's relcache entry, for as long
 * as the generation stands.  That moves when a number that may be remembered
 * is taken out and lives on: when it is held, or given up by a transaction that
 * is prepared.  It need not move when a number begins another life: whoever
 * uses that life has been told of it by an invalidation of the entry.
 *
 * HELD entries are relations whose owner changes in a transaction still
 * running (hold.c): shared buffers own them until it ends, for its parallel
 * workers too.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "debug/stop.h"
#include "miscadmin.h"
#include "pool/service.h"
#include "pool/stray.h"
#include "storage/bufmgr.h"
#include "storage/shmem.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#define ENTRIES 1048576			/* room of the registry: 42 MB of address
								 * space */
#define ENTRIES_AT_START 512

typedef enum GateState
{
	GATE_FREE,					/* not in the registry */
	GATE_FRESH,					/* born in the pool; its page cache has not
								 * been dropped yet */
	GATE_POOL,
	GATE_LEAVING,				/* its frames are on their way to the file */
	GATE_HELD
} GateState;

typedef struct GateEntry
{
	RelFileNode rnode;
	GateState	state;
} GateEntry;

typedef struct GateShared
{
	pg_atomic_uint64 generation;
	pg_atomic_uint32 nheld;
	pg_atomic_uint32 incomplete;
	char		pad[PG_CACHE_LINE_SIZE];	/* every page access reads the
											 * above */
	LWLock		lock;			/* guards the registry */
} GateShared;

static GateShared *gate;
static HTAB *registry;			/* of GateEntry, by rnode */

/* What this process knows to have passed: hangs on the relcache entry, as its rd_amcache. */
typedef struct GateMemo
{
	uint64		generation;
	RelFileNode rnode;
} GateMemo;

Size
ps_gate_shmem_size(void)
{
	return add_size(MAXALIGN(sizeof(GateShared)),
					hash_estimate_size(ENTRIES, sizeof(GateEntry)));
}

void
ps_gate_shmem_init(bool found)
{
	HASHCTL		ctl = {.keysize = sizeof(RelFileNode),.entrysize = sizeof(GateEntry)};
	bool		known;

	gate = ShmemInitStruct("pagestore gate", sizeof(GateShared), &known);
	registry = ShmemInitHash("pagestore gate's registry", ENTRIES_AT_START, ENTRIES,
							 &ctl, HASH_ELEM | HASH_BLOBS);
	if (known)
		return;
	pg_atomic_init_u64(&gate->generation, 1);
	pg_atomic_init_u32(&gate->nheld, 0);
	pg_atomic_init_u32(&gate->incomplete, 0);
	LWLockInitialize(&gate->lock, ps_tranche(PS_TRANCHE_GATE));
}

/* ---- the registry ---- */

static GateEntry *
find_entry(const RelFileNode *rnode)
{
	Assert(LWLockHeldByMe(&gate->lock));
	return hash_search(registry, rnode, HASH_FIND, NULL);
}

/* The relation's entry, made if need be; NULL when there is no room. */
static GateEntry *
make_entry(const RelFileNode *rnode)
{
	GateEntry  *entry = find_entry(rnode);
	bool		found;

	Assert(LWLockHeldByMeInMode(&gate->lock, LW_EXCLUSIVE));
	if (entry != NULL || PS_ASK("gate-full"))
		return entry;
	entry = hash_search(registry, rnode, HASH_ENTER_NULL, &found);
	if (entry != NULL)
		entry->state = GATE_FREE;
	return entry;
}

static void
remove_entry(GateEntry *entry)
{
	Assert(LWLockHeldByMeInMode(&gate->lock, LW_EXCLUSIVE));
	if (entry->state == GATE_HELD)
		pg_atomic_fetch_sub_u32(&gate->nheld, 1);
	(void) hash_search(registry, &entry->rnode, HASH_REMOVE, NULL);
}

/* The relation is in the hands of the pool; false: there was no room to say so. */
static bool
enter(const RelFileNode *rnode, GateState state)
{
	GateEntry  *entry;
	bool		is_news = false;

	LWLockAcquire(&gate->lock, LW_EXCLUSIVE);
	entry = make_entry(rnode);
	if (entry)
	{
		Assert(entry->state != GATE_HELD);
		entry->state = state;
	}
	else
		is_news = pg_atomic_exchange_u32(&gate->incomplete, 1) == 0;
	LWLockRelease(&gate->lock);

	if (is_news)
		ereport(LOG,
				(errmsg("pagestore has no room to remember more than %ld tables in use",
						hash_get_num_entries(registry)),
				 errdetail("The first access of each process to a further one looks through shared_buffers.")));
	return entry != NULL;
}

static bool
is_incomplete(void)
{
	return pg_atomic_read_u32(&gate->incomplete) != 0;
}

static GateState
state_of(const RelFileNode *rnode)
{
	GateEntry  *entry;
	GateState	state;

	LWLockAcquire(&gate->lock, LW_SHARED);
	entry = find_entry(rnode);
	state = entry ? entry->state : GATE_FREE;
	LWLockRelease(&gate->lock);
	return state;
}

/* Nobody may go on believing what he remembers. */
static void
next_generation(void)
{
	pg_atomic_fetch_add_u64(&gate->generation, 1);
}

/* ---- passing ---- */

static void
remember(Relation rel, uint64 generation)
{
	GateMemo   *memo = rel->rd_amcache;

	if (memo == NULL)
		rel->rd_amcache = memo = MemoryContextAlloc(CacheMemoryContext, sizeof(GateMemo));
	memo->rnode = rel->rd_node;
	memo->generation = generation;
}

static void
pass(Relation rel)
{
	RelFileNode rnode = rel->rd_node;
	uint64		generation = pg_atomic_read_u64(&gate->generation);
	GateState	state;

	pg_read_barrier();
	state = state_of(&rnode);
	Assert(state != GATE_HELD);
	if (state != GATE_POOL)
	{
		/*
		 * What redo, or a transaction that skipped WAL or switched the table
		 * from heap, left dirty goes to the file now.  Whoever else passes at
		 * the same time waits for the same writes.
		 */
		if (state != GATE_FRESH)
			ps_stray_pass(rel);
		ps_file_drop_page_cache(rnode);
		(void) enter(&rnode, GATE_POOL);
	}
	remember(rel, generation);
}

void
ps_gate_pass(Relation rel)
{
	const GateMemo *memo = rel->rd_amcache;

	if (likely(memo != NULL &&
			   memo->generation == pg_atomic_read_u64(&gate->generation) &&
			   RelFileNodeEquals(memo->rnode, rel->rd_node)))
	{
		Assert(is_incomplete() || state_of(&rel->rd_node) == GATE_POOL);
		return;
	}
	pass(rel);
}

/* Pages and descriptors of an earlier life of the number; somebody may have missed its end. */
static void
end_earlier_life(RelFileNode rnode)
{
	if (!ps_gate_may_have_frames(rnode))
		return;
	ps_gate_forget(&rnode, 1);
	ps_pool_discard_relation(rnode, 0);
	ps_file_invalidate(rnode);
}

/*
 * Born here unless the relation may skip WAL, in which case shared buffers
 * have it first.
 */
void
ps_gate_new(RelFileNode rnode)
{
	end_earlier_life(rnode);
	if (XLogIsNeeded() && IsUnderPostmaster && !enter(&rnode, GATE_FRESH))
		ps_hold_note_birth(rnode);
}

/* ---- held by a transaction (hold.c) ---- */

bool
ps_gate_pool_owns(RelFileNode rnode)
{
	GateState	state = state_of(&rnode);

	return state == GATE_FRESH || state == GATE_POOL || (state == GATE_FREE && ps_hold_born_here(rnode));
}

bool
ps_gate_hold(RelFileNode rnode)
{
	GateEntry  *entry;

	LWLockAcquire(&gate->lock, LW_EXCLUSIVE);
	entry = make_entry(&rnode);
	if (entry)
	{
		if (entry->state != GATE_HELD)
			pg_atomic_fetch_add_u32(&gate->nheld, 1);
		entry->state = GATE_HELD;
	}

	/* marked or not: others may remember that it has passed */
	next_generation();
	LWLockRelease(&gate->lock);
	return entry != NULL;
}

void
ps_gate_begin_leaving(RelFileNode rnode)
{
	GateEntry  *entry;

	LWLockAcquire(&gate->lock, LW_EXCLUSIVE);
	entry = find_entry(&rnode);
	if (entry)
	{
		entry->state = GATE_LEAVING;
		next_generation();
	}
	LWLockRelease(&gate->lock);
	ps_stray_wait();
}

bool
ps_gate_is_held(RelFileNode rnode)
{
	return pg_atomic_read_u32(&gate->nheld) != 0 && state_of(&rnode) == GATE_HELD;
}

void
ps_gate_release(RelFileNode rnode)
{
	GateEntry  *entry;

	LWLockAcquire(&gate->lock, LW_EXCLUSIVE);
	entry = find_entry(&rnode);

	/* the number may have begun another life meanwhile */
	if (entry && entry->state == GATE_HELD)
		remove_entry(entry);
	LWLockRelease(&gate->lock);
}

/* ---- what is gone ---- */

bool
ps_gate_may_have_frames(RelFileNode rnode)
{
	return is_incomplete() || state_of(&rnode) != GATE_FREE;
}

void
ps_gate_forget(const RelFileNode *rnodes, int n)
{
	LWLockAcquire(&gate->lock, LW_EXCLUSIVE);
	for (int i = 0; i < n; i++)
	{
		GateEntry  *entry = find_entry(&rnodes[i]);

		if (entry)
			remove_entry(entry);
	}
	LWLockRelease(&gate->lock);
	ps_stray_wait();
}

void
ps_gate_forget_database(Oid dboid)
{
	HASH_SEQ_STATUS scan;
	GateEntry  *entry;

	LWLockAcquire(&gate->lock, LW_EXCLUSIVE);
	hash_seq_init(&scan, registry);
	while ((entry = hash_seq_search(&scan)) != NULL)
		if (entry->rnode.dbNode == dboid)
			remove_entry(entry);
	LWLockRelease(&gate->lock);
}

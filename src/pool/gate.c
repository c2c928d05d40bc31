/*
 * gate.c
 *		Who owns a relation's pages: the pool or shared buffers (D3, I3).
 *
 * A shared registry names the relations that have passed the gate.  It is
 * empty at start and of fixed size: an entry may be pushed out at any time,
 * since passing again is always safe (there is nothing dirty in shared buffers
 * then); from then on the registry is "lossy": a number that is not in it may
 * have frames.  Backends remember what they have seen in it, for as long as
 * the generation stands; it moves when an entry is taken out on purpose.
 *
 * HELD entries are relations whose owner changes in a transaction still
 * running (hold.c): shared buffers own them until it ends, for its parallel
 * workers too. They are never pushed out.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "miscadmin.h"
#include "pool/service.h"
#include "storage/bufmgr.h"
#include "storage/shmem.h"

#define GATE_SETS 4096			/* power of two */
#define GATE_WAYS 8
#define GATE_CACHE 256			/* of a backend; power of two */

typedef enum GateState
{
	GATE_FREE,
	GATE_FRESH,					/* born in the pool; its page cache has not
								 * been dropped yet */
	GATE_POOL,
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
	pg_atomic_uint32 lossy;
	char		pad[PG_CACHE_LINE_SIZE];	/* every page access reads the
											 * above */
	LWLock		lock;			/* guards what follows */
	uint32		next_way;		/* whom to push out next */
	GateEntry	entries[GATE_SETS][GATE_WAYS];
} GateShared;

static GateShared *gate;

/* What this backend knows to have passed, direct-mapped; generation 0 is never current. */
typedef struct GateSeen
{
	uint64		generation;
	RelFileNode rnode;
} GateSeen;

static GateSeen seen[GATE_CACHE];

Size
ps_gate_shmem_size(void)
{
	return sizeof(GateShared);
}

void
ps_gate_shmem_init(bool found)
{
	bool		known;

	gate = ShmemInitStruct("pagestore gate", sizeof(GateShared), &known);
	if (known)
		return;
	memset(gate, 0, sizeof(GateShared));
	pg_atomic_init_u64(&gate->generation, 1);
	pg_atomic_init_u32(&gate->nheld, 0);
	pg_atomic_init_u32(&gate->lossy, 0);
	LWLockInitialize(&gate->lock, ps_tranche(PS_TRANCHE_GATE));
}

/* ---- the registry; its lock is held ---- */

static GateEntry *
entry_set(const RelFileNode *rnode)
{
	uint32		h = rnode->relNode * 0x9E3779B1u ^ rnode->dbNode * 0x85EBCA77u ^ rnode->spcNode;

	return gate->entries[(h ^ h >> 15) & (GATE_SETS - 1)];
}

static GateEntry *
find_entry(const RelFileNode *rnode)
{
	GateEntry  *set = entry_set(rnode);

	for (int i = 0; i < GATE_WAYS; i++)
		if (set[i].state != GATE_FREE && RelFileNodeEquals(set[i].rnode, *rnode))
			return &set[i];
	return NULL;
}

/* A place for the relation; NULL when its set is full of held ones. */
static GateEntry *
make_entry(const RelFileNode *rnode)
{
	GateEntry  *set = entry_set(rnode);
	GateEntry  *entry = find_entry(rnode);

	for (int i = 0; entry == NULL && i < GATE_WAYS; i++)
		if (set[i].state == GATE_FREE)
			entry = &set[i];
	for (int i = 0; entry == NULL && i < GATE_WAYS; i++)
	{
		GateEntry  *other = &set[gate->next_way++ % GATE_WAYS];

		if (other->state == GATE_HELD)
			continue;
		pg_atomic_write_u32(&gate->lossy, 1);
		entry = other;
	}
	if (entry)
		entry->rnode = *rnode;
	return entry;
}

static void
clear_entry(GateEntry *entry)
{
	if (entry->state == GATE_HELD)
		pg_atomic_fetch_sub_u32(&gate->nheld, 1);
	entry->state = GATE_FREE;
}

/* Nobody may go on believing what he remembers. */
static void
next_generation(void)
{
	pg_atomic_fetch_add_u64(&gate->generation, 1);
}

static bool
is_lossy(void)
{
	return pg_atomic_read_u32(&gate->lossy) != 0;
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

/* ---- passing ---- */

static void
pass(Relation rel)
{
	RelFileNode rnode = rel->rd_node;
	uint64		generation = pg_atomic_read_u64(&gate->generation);
	GateSeen   *mine = &seen[rnode.relNode & (GATE_CACHE - 1)];
	GateState	state = state_of(&rnode);

	Assert(state != GATE_HELD);
	if (state != GATE_POOL)
	{
		GateEntry  *entry;

		/*
		 * What redo, or a transaction that skipped WAL or switched the table
		 * from heap, left dirty goes to the file now.  Whoever else passes at
		 * the same time waits for the same writes.
		 */
		if (state == GATE_FREE)
			FlushRelationBuffers(rel);
		ps_file_drop_page_cache(rnode);

		LWLockAcquire(&gate->lock, LW_EXCLUSIVE);
		entry = make_entry(&rnode);
		if (entry)
			entry->state = GATE_POOL;
		else
			pg_atomic_write_u32(&gate->lossy, 1);
		LWLockRelease(&gate->lock);
	}
	mine->rnode = rnode;
	mine->generation = generation;
}

void
ps_gate_pass(Relation rel)
{
	const GateSeen *mine = &seen[rel->rd_node.relNode & (GATE_CACHE - 1)];

	if (likely(mine->generation == pg_atomic_read_u64(&gate->generation) &&
			   RelFileNodeEquals(mine->rnode, rel->rd_node)))
		return;
	pass(rel);
}

/*
 * Born here unless the relation may skip WAL, in which case shared buffers
 * have it first.
 */
void
ps_gate_new(RelFileNode rnode)
{
	GateEntry  *entry;
	bool		lived;

	LWLockAcquire(&gate->lock, LW_EXCLUSIVE);
	entry = find_entry(&rnode);
	lived = entry != NULL || is_lossy();
	if (entry)
		clear_entry(entry);
	if (lived)
		next_generation();
	LWLockRelease(&gate->lock);

	if (lived)
	{
		ps_pool_discard_relation(rnode, 0);
		ps_file_invalidate(rnode);
	}
	if (!XLogIsNeeded() || !IsUnderPostmaster)
		return;

	LWLockAcquire(&gate->lock, LW_EXCLUSIVE);
	entry = make_entry(&rnode);
	if (entry)
		entry->state = GATE_FRESH;
	LWLockRelease(&gate->lock);
	if (entry == NULL)
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
		next_generation();
	}
	LWLockRelease(&gate->lock);
	return entry != NULL;
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
	{
		clear_entry(entry);
		next_generation();
	}
	LWLockRelease(&gate->lock);
}

/* ---- what is gone ---- */

bool
ps_gate_may_have_frames(RelFileNode rnode)
{
	return is_lossy() || state_of(&rnode) != GATE_FREE;
}

void
ps_gate_forget(const RelFileNode *rnodes, int n)
{
	bool		moved = is_lossy();

	LWLockAcquire(&gate->lock, LW_EXCLUSIVE);
	for (int i = 0; i < n; i++)
	{
		GateEntry  *entry = find_entry(&rnodes[i]);

		if (entry)
		{
			clear_entry(entry);
			moved = true;
		}
	}
	if (moved)
		next_generation();
	LWLockRelease(&gate->lock);
}

void
ps_gate_forget_database(Oid dboid)
{
	LWLockAcquire(&gate->lock, LW_EXCLUSIVE);
	for (int set = 0; set < GATE_SETS; set++)
		for (int i = 0; i < GATE_WAYS; i++)
		{
			GateEntry  *entry = &gate->entries[set][i];

			if (entry->state != GATE_FREE && entry->rnode.dbNode == dboid)
				clear_entry(entry);
		}
	next_generation();
	LWLockRelease(&gate->lock);
}

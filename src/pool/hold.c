/*
 * hold.c
 *		Relations whose owner changes in a transaction: shared buffers own them
 *		until it ends.
 *
 * Until then nobody knows whether the change stays, and undoing it must not
 * need any I/O, as an abort may not fail.  While shared buffers own a file it
 * is right for both access methods: a savepoint may take it back and forth.
 * At the end the file is heap's, or pagestore's and passes the gate like any
 * that shared buffers have had before.  A prepared transaction ends here too:
 * its locks keep everybody from the relation until it is decided.
 */
#include "postgres.h"

#include "pool/hold.h"
#include "pool/registry.h"
#include "pool/relation.h"
#include "pool/stray.h"
#include "storage/bufmgr.h"
#include "storage/smgr.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

bool		ps_unsettled = false;
void		(*ps_settle) (void) = NULL;

typedef struct Held
{
	RelFileLocator rlocator;
	bool		marked;			/* in the registry, for parallel workers */
} Held;

HTAB	   *ps_hold_table = NULL;	/* of Held, by rlocator; NULL unless there
									 * is one in this transaction */

bool
ps_holds_any(void)
{
	return ps_hold_table != NULL && hash_get_num_entries(ps_hold_table) > 0;
}

static Held *
find_held(RelFileLocator rlocator)
{
	return ps_holds_any() ? hash_search(ps_hold_table, &rlocator, HASH_FIND, NULL) : NULL;
}

bool
ps_holds(RelFileLocator rlocator, bool for_workers)
{
	const Held *entry = find_held(rlocator);

	return entry && (entry->marked || !for_workers);
}

RelFileLocator *
ps_held(int *n)
{
	RelFileLocator *result;
	const Held *entry;
	HASH_SEQ_STATUS seq;

	*n = 0;
	if (ps_hold_table == NULL)
		return NULL;
	result = palloc(hash_get_num_entries(ps_hold_table) * sizeof(RelFileLocator));
	hash_seq_init(&seq, ps_hold_table);
	while ((entry = hash_seq_search(&seq)) != NULL)
		result[(*n)++] = entry->rlocator;
	return result;
}

/* Nothing of the relation stays in the pool, nor anything stale in shared buffers. */
static void
give_to_shared(RelFileLocator rlocator)
{
	SMgrRelation smgr = smgropen(rlocator, INVALID_PROC_NUMBER);
	ForkNumber	fork = MAIN_FORKNUM;
	BlockNumber from = 0;

	/* The pool's file has nothing dirty in shared buffers but strays. */
	if (!ps_registry_pool_owns(rlocator))
		FlushRelationsAllBuffers(&smgr, 1);
	else
	{
		ps_stray_leave(rlocator);
		ps_registry_begin_leaving(rlocator);
	}
	ps_pool_flush_relation(rlocator);
	ps_pool_discard_relations(&rlocator, 1);
	DropRelationBuffers(smgr, &fork, 1, &from);
}

void
ps_hold(RelFileLocator rlocator, bool for_workers)
{
	HASHCTL		ctl = {.keysize = sizeof(RelFileLocator),.entrysize = sizeof(Held),.hcxt = TopMemoryContext};
	Held	   *entry = find_held(rlocator);

	if (ps_hold_table == NULL)
		ps_hold_table = hash_create("pagestore held relations", 64, &ctl,
									HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	if (entry == NULL)
	{
		if (ps_registry_may_have_frames(rlocator))
			give_to_shared(rlocator);
		entry = hash_search(ps_hold_table, &rlocator, HASH_ENTER, NULL);
		entry->marked = ps_registry_hold(rlocator);
	}
	else if (!entry->marked)
		entry->marked = ps_registry_hold(rlocator);

	if (for_workers && !entry->marked)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of shared memory"),
				 errdetail("pagestore has no room to remember more tables."),
				 errhint("Tables can be switched to pagestore again after a restart.")));
}

void
ps_hold_at_xact_end(void)
{
	HASH_SEQ_STATUS seq;
	const Held *entry;

	if (ps_hold_table == NULL)
		return;
	hash_seq_init(&seq, ps_hold_table);
	while ((entry = hash_seq_search(&seq)) != NULL)
		if (entry->marked)
			ps_registry_release(entry->rlocator);
	hash_destroy(ps_hold_table);
	ps_hold_table = NULL;
}

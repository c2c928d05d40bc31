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

#include "access/parallel.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "pool/service.h"
#include "pool/stray.h"
#include "storage/bufmgr.h"
#include "storage/smgr.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

bool		ps_unsettled = false;
void		(*ps_settle) (void) = NULL;

typedef struct Held
{
	RelFileNode rnode;
	bool		marked;			/* in the registry, for parallel workers */
} Held;

/* Both by rnode, and NULL unless there is one in this transaction. */
static HTAB *held = NULL;		/* of Held */
static HTAB *born = NULL;		/* of RelFileNode: made in the pool, with no
								 * room in the registry */

static void
make_table(HTAB **table, const char *name, Size entrysize)
{
	HASHCTL		ctl = {.keysize = sizeof(RelFileNode),.entrysize = entrysize,.hcxt = TopMemoryContext};

	if (*table == NULL)
		*table = hash_create(name, 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

void
ps_hold_note_birth(RelFileNode rnode)
{
	make_table(&born, "pagestore relations unknown to the registry", sizeof(RelFileNode));
	(void) hash_search(born, &rnode, HASH_ENTER, NULL);
}

bool
ps_hold_born_here(RelFileNode rnode)
{
	return born != NULL && hash_search(born, &rnode, HASH_FIND, NULL) != NULL;
}

bool
ps_holds_any(void)
{
	return held != NULL && hash_get_num_entries(held) > 0;
}

static Held *
find(RelFileNode rnode)
{
	return ps_holds_any() ? hash_search(held, &rnode, HASH_FIND, NULL) : NULL;
}

bool
ps_holds(RelFileNode rnode, bool for_workers)
{
	const Held *entry = find(rnode);

	return entry && (entry->marked || !for_workers);
}

RelFileNode *
ps_held(int *n)
{
	RelFileNode *result = palloc((held ? hash_get_num_entries(held) : 0) * sizeof(RelFileNode) + 1);
	const Held *entry;
	HASH_SEQ_STATUS seq;

	*n = 0;
	if (held == NULL)
		return result;
	hash_seq_init(&seq, held);
	while ((entry = hash_seq_search(&seq)) != NULL)
		result[(*n)++] = entry->rnode;
	return result;
}

/* Nothing of the relation stays in the pool, nor anything stale in shared buffers. */
static void
give_to_shared(RelFileNode rnode)
{
	SMgrRelation smgr = smgropen(rnode, InvalidBackendId);
	ForkNumber	fork = MAIN_FORKNUM;
	BlockNumber from = 0;

	/* The pool's file has nothing dirty in shared buffers but strays. */
	if (!ps_gate_pool_owns(rnode))
		FlushRelationsAllBuffers(&smgr, 1);
	else
	{
		ps_stray_leave(rnode);
		ps_gate_begin_leaving(rnode);
	}
	ps_pool_flush_relation(rnode);
	ps_pool_discard_relations(&rnode, 1);
	DropRelFileNodeBuffers(smgr, &fork, 1, &from);
}

void
ps_hold(RelFileNode rnode, bool for_workers)
{
	Held	   *entry = find(rnode);

	make_table(&held, "pagestore held relations", sizeof(Held));
	if (entry == NULL)
	{
		if (ps_gate_may_have_frames(rnode))
			give_to_shared(rnode);
		entry = hash_search(held, &rnode, HASH_ENTER, NULL);
		entry->marked = ps_gate_hold(rnode);
	}
	else if (!entry->marked)
		entry->marked = ps_gate_hold(rnode);

	if (for_workers && !entry->marked)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of shared memory"),
				 errdetail("pagestore has no room to remember more tables."),
				 errhint("Tables can be switched to pagestore again after a restart.")));
}

bool
ps_gate_uses_shared(Relation rel)
{
	if (RecoveryInProgress() || !IsUnderPostmaster)
		return true;
	if (RelationIsPermanent(rel) && !RelationNeedsWAL(rel))
		return true;
	return ps_holds(rel->rd_node, false) || (IsParallelWorker() && ps_gate_is_held(rel->rd_node));
}

void
ps_hold_at_xact_end(void)
{
	HASH_SEQ_STATUS seq;
	const Held *entry;

	if (born != NULL)
		hash_destroy(born);
	born = NULL;
	if (held == NULL)
		return;
	hash_seq_init(&seq, held);
	while ((entry = hash_seq_search(&seq)) != NULL)
		if (entry->marked)
			ps_gate_release(entry->rnode);
	hash_destroy(held);
	held = NULL;
}

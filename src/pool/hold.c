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
#include "storage/bufmgr.h"
#include "storage/smgr.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

bool		ps_unsettled = false;
void		(*ps_settle) (void) = NULL;

static HTAB *held = NULL;		/* RelFileNode; emptied when a transaction
								 * ends */

bool
ps_holds_any(void)
{
	return held != NULL && hash_get_num_entries(held) > 0;
}

bool
ps_holds(RelFileNode rnode)
{
	return ps_holds_any() && hash_search(held, &rnode, HASH_FIND, NULL) != NULL;
}

RelFileNode *
ps_held(int *n)
{
	RelFileNode *result = palloc((held ? hash_get_num_entries(held) : 0) * sizeof(RelFileNode) + 1);
	const RelFileNode *rnode;
	HASH_SEQ_STATUS seq;

	*n = 0;
	if (held == NULL)
		return result;
	hash_seq_init(&seq, held);
	while ((rnode = hash_seq_search(&seq)) != NULL)
		result[(*n)++] = *rnode;
	return result;
}

/* Nothing of the relation stays in the pool, nor anything stale in shared buffers. */
static void
give_to_shared(RelFileNode rnode)
{
	SMgrRelation smgr = smgropen(rnode, InvalidBackendId);
	ForkNumber	fork = MAIN_FORKNUM;
	BlockNumber from = 0;

	/*
	 * The pool's file has nothing dirty in shared buffers, or nothing that
	 * may be written.
	 */
	if (!ps_gate_pool_owns(rnode))
		FlushRelationsAllBuffers(&smgr, 1);
	ps_pool_flush_relation(rnode);
	ps_pool_discard_relation(rnode, 0);
	DropRelFileNodeBuffers(smgr, &fork, 1, &from);
}

void
ps_hold(RelFileNode rnode)
{
	if (ps_holds(rnode))
		return;
	if (held == NULL)
	{
		HASHCTL		ctl = {.keysize = sizeof(RelFileNode),.entrysize = sizeof(RelFileNode),.hcxt = TopMemoryContext};

		held = hash_create("pagestore held relations", 64, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	if (ps_gate_may_have_frames(rnode))
		give_to_shared(rnode);

	(void) hash_search(held, &rnode, HASH_ENTER, NULL);
	if (!ps_gate_hold(rnode))
	{
		(void) hash_search(held, &rnode, HASH_REMOVE, NULL);
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("too many tables switched to or from pagestore in one transaction")));
	}
}

bool
ps_gate_uses_shared(Relation rel)
{
	if (RecoveryInProgress() || !IsUnderPostmaster)
		return true;
	if (RelationIsPermanent(rel) && !RelationNeedsWAL(rel))
		return true;
	return ps_holds(rel->rd_node) || (IsParallelWorker() && ps_gate_is_held(rel->rd_node));
}

void
ps_hold_at_xact_end(void)
{
	HASH_SEQ_STATUS seq;
	const RelFileNode *rnode;

	if (!ps_holds_any())
		return;
	hash_seq_init(&seq, held);
	while ((rnode = hash_seq_search(&seq)) != NULL)
		ps_gate_release(*rnode);
	hash_destroy(held);
	held = NULL;
}

/*
 * xact.c
 *		Ends of transactions: frames of files about to go are forgotten.
 *
 * Core unlinks the files of dropped relations after commit and those of new
 * ones after abort, in both cases later than these callbacks and while the
 * locks are still held.  A transaction that is prepared ends in another
 * process, perhaps after a restart, and no callback tells: what it may take
 * away is given up, clean, before it is prepared.  Until it ends nobody can
 * use it.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/storage.h"
#include "io/notice.h"
#include "pool/hold.h"
#include "pool/iostat.h"
#include "pool/registry.h"
#include "pool/relation.h"
#include "pool/relcount.h"
#include "pool/sentinel_client.h"
#include "pool/stray.h"
#include "pool/xact.h"

/* Nothing here may fail: after commit it would be too late. */
static void
discard_unlinked(bool for_commit)
{
	RelFileLocator *rlocators;
	int			n = smgrGetPendingDeletes(for_commit, &rlocators);
	int			ours = 0;

	if (n == 0)
		return;
	for (int i = 0; i < n; i++)
		if (ps_registry_may_have_frames(rlocators[i]))
			rlocators[ours++] = rlocators[i];
	if (ours > 0)
	{
		ps_registry_forget(rlocators, ours);
		ps_pool_discard_relations(rlocators, ours);
		for (int i = 0; i < ours; i++)
			ps_file_invalidate(rlocators[i]);
	}
	pfree(rlocators);
}

/*
 * The files that a transaction about to be prepared removes if it commits
 * (or else if it aborts): no page of theirs stays in the pool, no descriptor
 * open, and the requests to sync them are there before their end can be.
 */
static void
give_up_pending(bool for_commit)
{
	RelFileLocator *rlocators;
	int			n = smgrGetPendingDeletes(for_commit, &rlocators);

	for (int i = 0; i < n; i++)
	{
		if (!ps_registry_may_have_frames(rlocators[i]))
			continue;
		ps_stray_leave(rlocators[i]);
		ps_registry_begin_leaving(rlocators[i]);
		ps_pool_flush_relation(rlocators[i]);
		ps_pool_discard_relations(&rlocators[i], 1);
		ps_file_invalidate(rlocators[i]);
		ps_registry_forget(&rlocators[i], 1);
	}
}

static void
at_xact_event(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			discard_unlinked(true);
			break;
		case XACT_EVENT_ABORT:
			discard_unlinked(false);
			break;
		case XACT_EVENT_PRE_PREPARE:
			give_up_pending(true);
			give_up_pending(false);
			return;
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_PARALLEL_ABORT:
			break;
		default:
			return;
	}
	ps_iostat_at_xact_end();
	ps_relcount_flush();
	ps_hold_at_xact_end();
	ps_registry_at_xact_end();
	ps_sentinel_at_xact_end();
}

static void
at_subxact_event(SubXactEvent event, SubTransactionId mine, SubTransactionId parent, void *arg)
{
	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	ps_iostat_at_subxact_abort();
	discard_unlinked(false);
}

void
ps_xact_init(void)
{
	RegisterXactCallback(at_xact_event, NULL);
	RegisterSubXactCallback(at_subxact_event, NULL);
}

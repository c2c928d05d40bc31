/*
 * wal_prune_17.c
 *		WAL records of a page that is cleaned up, in the layout of PostgreSQL 17's
 *		to 19's heapam_xlog.h.
 *
 * One kind of record prunes, freezes and reaps, and from 19 on sets bits of the
 * visibility map, whose page is block 1.  What is done to the page is registered
 * as data of the block, each part with its length before it: a full-page image
 * makes it superfluous.  The parts' order is that of the flags.
 */
#include "postgres.h"

#include "access/visibilitymapdefs.h"
#include "access/xlog.h"
#include "access/xloginsert.h"
#include "catalog/pg_control.h"
#include "row/wal_prune.h"
#include "utils/rel.h"

/* What is logged of a page; lives until XLogInsert(). */
typedef struct Cleanup
{
	xl_heap_prune record;
	TransactionId conflict_xid;
	const PsNowVisible *visible;
	bool		sets_lsn;
	xlhp_prune_items redirected;	/* of these the lengths alone are used */
	xlhp_prune_items dead;
	xlhp_prune_items unused;
	xlhp_freeze_plans freeze;
} Cleanup;

static inline TransactionId
newest(TransactionId a, TransactionId b)
{
	return TransactionIdFollows(a, b) ? a : b;
}

/*
 * Redo sets PD_ALL_VISIBLE with the map's bits.  Where nothing else changes, an
 * image is of use only if hint-like changes must be protected from torn writes.
 * Without that need the page's LSN stays, so that the flag alone never causes an
 * image, and the record says nothing that an image before it lacks.
 */
static uint8
image_flags(const Cleanup *c, const PsWrite *guard) PS_REQUIRES(guard)
{
	if (!c->sets_lsn)
		return REGBUF_STANDARD | REGBUF_NO_IMAGE;
	if (XLogRecPtrIsInvalid(PageGetLSN(guard->page)))
		return REGBUF_STANDARD | REGBUF_FORCE_IMAGE;	/* redo would not find
														 * it formatted */
	return REGBUF_STANDARD;
}

/* changes: the page itself, not just what the map says of it. */
static void
begin_record(Cleanup *c, PsWrite *guard, TransactionId conflict_xid, const PsNowVisible *visible, bool changes)
			PS_REQUIRES(guard)
{
	c->record = (xl_heap_prune)
	{
		0
	};
	c->visible = visible;
	c->sets_lsn = changes || XLogHintBitIsNeeded() || XLogRecPtrIsInvalid(PageGetLSN(guard->page));
	c->conflict_xid = visible ? newest(conflict_xid, visible->newest_xmin) : conflict_xid;
	if (TransactionIdIsValid(c->conflict_xid))
		c->record.flags |= XLHP_HAS_CONFLICT_HORIZON;
	if (RelationIsAccessibleInLogicalDecoding(guard->rel))
		c->record.flags |= XLHP_IS_CATALOG_REL;
	XLogBeginInsert();
	ps_xlog_register(0, guard, image_flags(c, guard));
	if (!visible)
		return;
	Assert(PS_RECORDS_SET_MAP_BITS && (visible->bits & VISIBILITYMAP_ALL_VISIBLE));
	c->record.flags |= XLHP_VM_ALL_VISIBLE;
	if (visible->bits & VISIBILITYMAP_ALL_FROZEN)
		c->record.flags |= XLHP_VM_ALL_FROZEN;
	XLogRegisterBuffer(1, visible->map, 0);
}

static void
register_items(Cleanup *c, uint8 flag, xlhp_prune_items * head, const OffsetNumber *offsets, int n, int each)
{
	if (n == 0)
		return;
	c->record.flags |= flag;
	head->ntargets = n;
	XLogRegisterBufData(0, (char *) head, offsetof(xlhp_prune_items, data));
	XLogRegisterBufData(0, (char *) offsets, n * each * sizeof(OffsetNumber));
}

static void
end_record(Cleanup *c, PsWrite *guard, uint8 info) PS_REQUIRES(guard)
{
	XLogRecPtr	lsn;

	XLogRegisterData((char *) &c->record, SizeOfHeapPrune);
	if (TransactionIdIsValid(c->conflict_xid))
		XLogRegisterData((char *) &c->conflict_xid, sizeof(TransactionId));
	lsn = XLogInsert(RM_HEAP2_ID, info);
	if (c->sets_lsn)
		ps_set_lsn(guard, lsn);
	if (c->visible)
		PageSetLSN(BufferGetPage(c->visible->map), lsn);
}

/* ---- freezing ---- */

/* Plans that do the same to a row stand together, in the order of their rows. */
static int
compare_plans(const void *x, const void *y)
{
	const PsFreezePlan *a = x;
	const PsFreezePlan *b = y;

	if (a->xmax != b->xmax)
		return a->xmax < b->xmax ? -1 : 1;
	if (a->t_infomask2 != b->t_infomask2)
		return a->t_infomask2 < b->t_infomask2 ? -1 : 1;
	if (a->t_infomask != b->t_infomask)
		return a->t_infomask < b->t_infomask ? -1 : 1;
	if (a->frzflags != b->frzflags)
		return a->frzflags < b->frzflags ? -1 : 1;
	return (int) a->offset - (int) b->offset;
}

static inline bool
does_the_same(const xlhp_freeze_plan * logged, const PsFreezePlan *plan)
{
	return logged->xmax == plan->xmax && logged->t_infomask2 == plan->t_infomask2 &&
		logged->t_infomask == plan->t_infomask && logged->frzflags == plan->frzflags;
}

/* Each kind of plan once, with how many rows it is for; returns how many kinds. */
static int
gather_plans(PsFreezePlan *plans, int n, xlhp_freeze_plan * logged, OffsetNumber *offsets)
{
	int			nlogged = 0;

	qsort(plans, n, sizeof(PsFreezePlan), compare_plans);
	for (int i = 0; i < n; i++)
	{
		if (nlogged == 0 || !does_the_same(&logged[nlogged - 1], &plans[i]))
			logged[nlogged++] = (xlhp_freeze_plan)
		{
			.xmax = plans[i].xmax,
				.t_infomask2 = plans[i].t_infomask2,
				.t_infomask = plans[i].t_infomask,
				.frzflags = plans[i].frzflags
		};
		logged[nlogged - 1].ntuples++;
		offsets[i] = plans[i].offset;
	}
	return nlogged;
}

/* ---- records ---- */

/* The newest xid that a standby's query may hold as running and must not: of the rows removed, and of those frozen. */
static TransactionId
conflict_of(const PsCleanup *done)
{
	TransactionId conflict = done->items ? done->conflict_xid : InvalidTransactionId;
	TransactionId frozen = done->nfreeze > 0 ? done->freeze_cutoff : InvalidTransactionId;

	if (TransactionIdIsValid(frozen))
		TransactionIdRetreat(frozen);
	return newest(frozen, conflict);
}

void
ps_wal_cleanup(PsWrite *guard, const PsCleanup *done)
{
	Cleanup		c;
	const PsPruneItems *items = done->items;
	xlhp_freeze_plan logged[MaxHeapTuplesPerPage];
	OffsetNumber offsets[MaxHeapTuplesPerPage];

	Assert(items || done->nfreeze > 0 || done->visible);
	begin_record(&c, guard, conflict_of(done), done->visible, items || done->nfreeze > 0);
	if (done->nfreeze > 0)
	{
		c.record.flags |= XLHP_HAS_FREEZE_PLANS;
		c.freeze.nplans = gather_plans(done->freeze, done->nfreeze, logged, offsets);
		XLogRegisterBufData(0, (char *) &c.freeze, offsetof(xlhp_freeze_plans, plans));
		XLogRegisterBufData(0, (char *) logged, c.freeze.nplans * sizeof(xlhp_freeze_plan));
	}
	if (items)
	{
		/* On a standby readers trust in a pin, and tuple bytes move. */
		c.record.flags |= XLHP_CLEANUP_LOCK;
		register_items(&c, XLHP_HAS_REDIRECTIONS, &c.redirected, items->redirected, items->nredirected, 2);
		register_items(&c, XLHP_HAS_DEAD_ITEMS, &c.dead, items->dead, items->ndead, 1);
		register_items(&c, XLHP_HAS_NOW_UNUSED_ITEMS, &c.unused, items->unused, items->nunused, 1);
	}
	/* behind all else, for all plans in a row */
	if (done->nfreeze > 0)
		XLogRegisterBufData(0, (char *) offsets, done->nfreeze * sizeof(OffsetNumber));
	end_record(&c, guard, done->vacuum ? XLOG_HEAP2_PRUNE_VACUUM_SCAN : XLOG_HEAP2_PRUNE_ON_ACCESS);
}

void
ps_wal_reap(PsWrite *guard, const OffsetNumber *unused, int n, const PsNowVisible *visible)
{
	Cleanup		c;

	begin_record(&c, guard, InvalidTransactionId, visible, true);
	register_items(&c, XLHP_HAS_NOW_UNUSED_ITEMS, &c.unused, unused, n, 1);
	end_record(&c, guard, XLOG_HEAP2_PRUNE_VACUUM_CLEANUP);
}

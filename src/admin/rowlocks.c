/*
 * rowlocks.c
 *		pagestore_rowlocks(): which rows are locked, by whom and how, as
 *		pgrowlocks says for heap.
 */
#include "postgres.h"

#include "access/multixact.h"
#include "access/relation.h"
#include "access/xact.h"
#include "admin/tool.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "page/guard.h"
#include "page/storage.h"
#include "page/stream.h"
#include "row/visibility.h"
#include "server/compat.h"
#include "storage/predicate.h"
#include "storage/procarray.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(pagestore_rowlocks);

/* A row somebody has locked or is about to change, as its page said under the latch. */
typedef struct Locked
{
	OffsetNumber offset;
	uint16		infomask;
	uint16		infomask2;
	TransactionId xmax;
	MultiXactMember *members;	/* of a multixact; -1 of them: it is from
								 * before pg_upgrade from 9.2 */
	int			nmembers;
} Locked;

/* pgrowlocks' words for a transaction alone, for which it has others than for members. */
static const char *
mode_alone(uint16 infomask, uint16 infomask2)
{
	bool		keys = (infomask2 & HEAP_KEYS_UPDATED) != 0;

	if (!(infomask & HEAP_XMAX_LOCK_ONLY))
		return keys ? "Update" : "No Key Update";
	if (HEAP_XMAX_IS_SHR_LOCKED(infomask))
		return "For Share";
	if (HEAP_XMAX_IS_KEYSHR_LOCKED(infomask))
		return "For Key Share";
	if (HEAP_XMAX_IS_EXCL_LOCKED(infomask))
		return keys ? "For Update" : "For No Key Update";
	return "transient upgrade status";
}

static const char *
mode_of_member(MultiXactStatus status)
{
	switch (status)
	{
		case MultiXactStatusForKeyShare:
			return PS_MEMBER_LOCKS_FOR "Key Share";
		case MultiXactStatusForShare:
			return PS_MEMBER_LOCKS_FOR "Share";
		case MultiXactStatusForNoKeyUpdate:
			return "For No Key Update";
		case MultiXactStatusForUpdate:
			return "For Update";
		case MultiXactStatusNoKeyUpdate:
			return "No Key Update";
		case MultiXactStatusUpdate:
			return "Update";
	}
	return "unknown";
}

static void
note_lock(Locked *lock, const PsRow *row)
{
	lock->offset = ItemPointerGetOffsetNumber(&row->tid);
	lock->infomask = row->header->t_infomask;
	lock->infomask2 = row->header->t_infomask2;
	lock->xmax = HeapTupleHeaderGetRawXmax(row->header);
	lock->members = NULL;
	lock->nmembers = 0;
	if (lock->infomask & HEAP_XMAX_IS_MULTI)
		lock->nmembers = GetMultiXactIdMembers(lock->xmax, &lock->members,
											   HEAP_LOCKED_UPGRADED(lock->infomask), false);
}

/* The locked ones of the page's rows that the snapshot sees. */
static int
locks_of_page(Relation rel, PsPin *pin, Snapshot snapshot, Locked *locks)
{
	PsRead		guard;
	OffsetNumber nitems;
	int			n = 0;

	ps_read_lock(rel, pin, &guard);
	nitems = ps_page_nitems(guard.page);
	for (OffsetNumber offset = FirstOffsetNumber; offset <= nitems; offset++)
	{
		PsRow		row;
		bool		visible;

		if (!ps_row_at(&guard, offset, &row))
			continue;
		visible = ps_row_visible(&guard, &row, snapshot);
		ps_row_conflict_out(&guard, visible, &row, snapshot);
		if (visible && ps_row_updatable(&guard, &row, GetCurrentCommandId(false)) == TM_BeingModified)
			note_lock(&locks[n++], &row);
	}
	ps_read_unlock(&guard);
	return n;
}

static void
put_row(ReturnSetInfo *rsinfo, BlockNumber block, const Locked *lock)
{
	bool		multi = (lock->infomask & HEAP_XMAX_IS_MULTI) != 0;
	int			n = multi && lock->nmembers > 0 ? lock->nmembers : 1;
	Datum	   *xids = palloc(n * sizeof(Datum));
	Datum	   *modes = palloc(n * sizeof(Datum));
	Datum	   *pids = palloc(n * sizeof(Datum));
	ItemPointerData tid;
	Datum		values[6];
	bool		nulls[6] = {0};

	for (int i = 0; i < n; i++)
	{
		TransactionId xid = lock->xmax;
		const char *mode = mode_alone(lock->infomask, lock->infomask2);

		if (multi)
		{
			bool		known = lock->nmembers > 0;

			xid = known ? lock->members[i].xid : InvalidTransactionId;
			mode = known ? mode_of_member(lock->members[i].status) : "transient upgrade status";
		}
		xids[i] = TransactionIdGetDatum(xid);
		modes[i] = CStringGetTextDatum(mode);
		pids[i] = Int32GetDatum(TransactionIdIsValid(xid) ? BackendXidGetPid(xid) : 0);
	}

	ItemPointerSet(&tid, block, lock->offset);
	values[0] = PointerGetDatum(&tid);
	values[1] = TransactionIdGetDatum(lock->xmax);
	values[2] = BoolGetDatum(multi);
	values[3] = PointerGetDatum(construct_array(xids, n, XIDOID, sizeof(TransactionId), true, TYPALIGN_INT));
	values[4] = PointerGetDatum(construct_array(modes, n, TEXTOID, -1, false, TYPALIGN_INT));
	values[5] = PointerGetDatum(construct_array(pids, n, INT4OID, sizeof(int32), true, TYPALIGN_INT));
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * SQL: pagestore_rowlocks(relation regclass) returns setof record, pgrowlocks' columns
 *
 * For who may SELECT from the table, and for pg_stat_scan_tables.
 */
Datum
pagestore_rowlocks(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Relation	rel = ps_tool_open(PG_GETARG_OID(0), ACL_SELECT, ROLE_PG_STAT_SCAN_TABLES,
								   "pgrowlocks() of extension pgrowlocks is for tables of heap.");
	PsBlockRange range = {0, ps_nblocks(rel)};
	Snapshot	snapshot = GetActiveSnapshot();
	Locked		locks[MaxHeapTuplesPerPage];
	MemoryContext page_context;
	MemoryContext old;
	PsStream   *stream;
	PsPin		pin = PS_NO_PIN;

	InitMaterializedSRF(fcinfo, 0);
	PredicateLockRelation(rel, snapshot);
	stream = ps_stream_begin(rel, ps_next_block, &range, 0);
	page_context = AllocSetContextCreate(CurrentMemoryContext, "pagestore_rowlocks", ALLOCSET_DEFAULT_SIZES);
	while (ps_stream_next(stream, &pin))
	{
		int			n;

		old = MemoryContextSwitchTo(page_context);
		n = locks_of_page(rel, &pin, snapshot, locks);
		for (int i = 0; i < n; i++)
			put_row(rsinfo, pin.block, &locks[i]);
		MemoryContextSwitchTo(old);
		MemoryContextReset(page_context);
	}
	ps_stream_end(stream);
	relation_close(rel, AccessShareLock);
	return (Datum) 0;
}

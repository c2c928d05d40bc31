/*
 * historic.c
 *		Visibility under a logical decoding snapshot, for tables that are
 *		catalogs to an output plugin (user_catalog_table).
 *
 * In a historic snapshot xip holds the transactions in [xmin, xmax) that have
 * *committed*, subxip those of the transaction being decoded; the present
 * state of the ProcArray means nothing, and no hint bit is set.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "replication/reorderbuffer.h"
#include "row/historic.h"
#include "server/compat.h"
#include "utils/builtins.h"
#include "utils/relmapper.h"

/*
 * Entries of the table that HistoricSnapshotGetTupleCids() gives: the start of
 * ReorderBufferTupleCidEnt (reorderbuffer.c), alike in 9.4 to 18.
 */
typedef struct TupleCidKey
{
	RelFileLocator rlocator;
	ItemPointerData tid;
} TupleCidKey;

typedef struct TupleCidEntry
{
	TupleCidKey key;
	CommandId	cmin;
	CommandId	cmax;
} TupleCidEntry;

/*
 * Rows of a table that was rewritten since are known to the decoded
 * transaction by their old places.  Core alone can read where they went, and
 * does so when a look-up fails: let one fail.  It takes the table's file from
 * a buffer; any will do, with a TID that no row has.
 */
static void
add_rewritten_rows(HTAB *cids, const PsRow *row, Snapshot snapshot)
{
	RelFileLocator catalog = {
		.spcOid = MyDatabaseTableSpace,
		.dbOid = MyDatabaseId,
		.relNumber = RelationMapOidToFilenumber(RelationRelationId, false)
	};
	Buffer		buffer = ReadBufferWithoutRelcache(catalog, MAIN_FORKNUM, 0, RBM_NORMAL, NULL, true);
	HeapTupleData tuple = ps_row_tuple(row);
	CommandId	cmin,
				cmax;

	ItemPointerSet(&tuple.t_self, 0, MaxOffsetNumber);
	(void) ResolveCminCmaxDuringDecoding(cids, snapshot, &tuple, buffer, &cmin, &cmax);
	ReleaseBuffer(buffer);
}

/*
 * Command ids of a row changed by the transaction being decoded.  False: not
 * decoded yet, so the change lies in the future.  Core's
 * own function wants the row's page as a Buffer.
 */
static bool
resolve_cids(const PsRead *guard, const PsRow *row, Snapshot snapshot,
			 CommandId *cmin, CommandId *cmax) PS_REQUIRES_SHARED(guard)
{
	HTAB	   *cids = HistoricSnapshotGetTupleCids();
	TupleCidKey key;
	const TupleCidEntry *entry;

	if (guard->pin->origin == PS_SHARED)
	{
		HeapTupleData tuple = ps_row_tuple(row);

		return ResolveCminCmaxDuringDecoding(cids, snapshot, &tuple, guard->pin->u.buffer, cmin, cmax);
	}

	if (cids == NULL)
		return false;
	memset(&key, 0, sizeof(key));	/* hashed as bytes */
	key.rlocator = guard->rel->rd_locator;
	key.tid = row->tid;
	entry = hash_search(cids, &key, HASH_FIND, NULL);
	if (entry == NULL)
	{
		add_rewritten_rows(cids, row, snapshot);
		entry = hash_search(cids, &key, HASH_FIND, NULL);
	}
	if (entry == NULL)
		return false;
	*cmin = entry->cmin;
	*cmax = entry->cmax;
	return true;
}

static bool
among(TransactionId xid, TransactionId *xids, uint32 n)
{
	return n > 0 && bsearch(&xid, xids, n, sizeof(TransactionId), xidComparator) != NULL;
}

/* Committed as far as this snapshot is concerned, apart from the decoded transaction itself. */
static bool
committed_in(TransactionId xid, bool hinted, Snapshot snapshot)
{
	if (TransactionIdPrecedes(xid, snapshot->xmin))
		return hinted || TransactionIdDidCommit(xid);
	return TransactionIdPrecedes(xid, snapshot->xmax) &&
		among(xid, snapshot->xip, snapshot->xcnt);
}

static inline bool
decoded_xact(TransactionId xid, Snapshot snapshot)
{
	return among(xid, snapshot->subxip, snapshot->subxcnt);
}

bool
ps_row_visible_historic(const PsRead *guard, const PsRow *row, Snapshot snapshot)
{
	HeapTupleHeader header = unconstify(HeapTupleHeaderData *, row->header);
	uint16		mask = header->t_infomask;
	TransactionId xmin = HeapTupleHeaderGetXmin(header);
	TransactionId xmax;
	CommandId	cmin = InvalidCommandId,
				cmax = InvalidCommandId;

	if (HeapTupleHeaderXminInvalid(header))
		return false;
	if (decoded_xact(xmin, snapshot))
	{
		if (!resolve_cids(guard, row, snapshot, &cmin, &cmax) || cmin >= snapshot->curcid)
			return false;
	}
	else if (!committed_in(xmin, HeapTupleHeaderXminCommitted(header), snapshot))
		return false;

	if ((mask & HEAP_XMAX_INVALID) || HEAP_XMAX_IS_LOCKED_ONLY(mask))
		return true;
	xmax = HeapTupleHeaderGetUpdateXid(header);
	if (decoded_xact(xmax, snapshot))
		return !resolve_cids(guard, row, snapshot, &cmin, &cmax) ||
			cmax == InvalidCommandId || cmax >= snapshot->curcid;
	return !committed_in(xmax, (mask & (HEAP_XMAX_COMMITTED | HEAP_XMAX_IS_MULTI)) == HEAP_XMAX_COMMITTED,
						 snapshot);
}

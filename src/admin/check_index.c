/*
 * check_index.c
 *		Are the table's indexes and its rows about the same rows?
 *
 * amcheck does this for btree, and looks at their structure (check_amcheck.c).
 * For the other access methods that can name all of their entries by a scan
 * without keys we compare both ways: each row that a snapshot sees has an entry,
 * if the index is to have it; each entry is for a line pointer that may have
 * one.  What entries say of their rows' values is not looked at.
 *
 * An index scan taken after the snapshot has an entry for each row that the
 * snapshot sees, for writers add the entry before they commit.  The other way
 * round vacuum is to be reckoned with: it takes an entry, then sets the line
 * pointer free, which may become another row's.  So what looks wrong is looked
 * at again with vacuum kept out.
 */
#include "postgres.h"

#include "access/amapi.h"
#include "access/genam.h"
#include "access/relscan.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "admin/check_amcheck.h"
#include "admin/check_index.h"
#include "catalog/index.h"
#include "catalog/pg_am_d.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "nodes/tidbitmap.h"
#include "page/guard.h"
#include "page/storage.h"
#include "page/stream.h"
#include "server/compat.h"
#include "storage/lmgr.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

/* ---- all entries of an index ---- */

static TIDBitmap *
entries_of(Relation index, Snapshot snapshot)
{
	TIDBitmap  *bitmap = tbm_create(maintenance_work_mem * 1024L, NULL);
	IndexScanDesc scan = index_beginscan_bitmap(index, snapshot, NULL, 0);

	index_rescan(scan, NULL, 0, NULL, 0);
	(void) index_getbitmap(scan, bitmap);
	index_endscan(scan);
	return bitmap;
}

/* In the order of the table. */
typedef struct Entries
{
	PsBitmapIterator iterator;
	bool		more;			/* page is one */
	PsBitmapPage page;
	BlockNumber nlossy;			/* pages of which single entries are not known */
} Entries;

static void
next_entries(Entries *entries)
{
	entries->more = ps_bitmap_next(entries->iterator, &entries->page);
	if (entries->more && entries->page.lossy)
		entries->nlossy++;
}

static void
begin_entries(Entries *entries, TIDBitmap *bitmap)
{
	entries->iterator = ps_bitmap_iterate(bitmap);
	entries->nlossy = 0;
	next_entries(entries);
}

/* Is there an entry for this place?  Asked in the order of the table. */
static bool
has_entry(Entries *entries, const ItemPointerData *tid)
{
	BlockNumber block = ItemPointerGetBlockNumber(tid);
	OffsetNumber offset = ItemPointerGetOffsetNumber(tid);

	while (entries->more && entries->page.block < block)
		next_entries(entries);
	if (!entries->more || entries->page.block != block)
		return false;
	if (entries->page.lossy)
		return true;
	for (int i = 0; i < entries->page.n; i++)
		if (entries->page.offsets[i] == offset)
			return true;
	return false;
}

/* ---- each row has an entry ---- */

typedef struct Comparison
{
	PsCheck    *check;
	Relation	index;
	Entries		entries;
} Comparison;

/* The row's place is that of its HOT chain's root, as in the index. */
static void
row_is_indexed(Relation index, ItemPointer tid, Datum *values, bool *isnull, bool alive, void *state)
{
	Comparison *comparison = state;

	CHECK_FOR_INTERRUPTS();
	if (!has_entry(&comparison->entries, tid))
		ps_put_finding(comparison->check, ItemPointerGetBlockNumber(tid), ItemPointerGetOffsetNumber(tid), PS_NO_ATTRIBUTE,
					   psprintf("index \"%s\" has no entry for the row", RelationGetRelationName(index)));
}

/* Expressions and predicates of the index are the owner's code: run as the owner. */
static void
check_rows(Comparison *comparison, Snapshot snapshot)
{
	Relation	rel = comparison->check->rel;
	IndexInfo  *info = BuildIndexInfo(comparison->index);
	TableScanDesc scan = table_beginscan_strat(rel, snapshot, 0, NULL, true, false);
	Oid			user;
	int			security;
	int			nest_level;

	/* as the snapshot sees rows, and without a look at uniqueness */
	info->ii_Concurrent = true;
	info->ii_Unique = false;
	info->ii_ExclusionOps = NULL;
	info->ii_ExclusionProcs = NULL;
	info->ii_ExclusionStrats = NULL;

	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(rel->rd_rel->relowner, security | SECURITY_RESTRICTED_OPERATION);
	nest_level = NewGUCNestLevel();
	(void) table_index_build_scan(rel, comparison->index, info, false, false, row_is_indexed, comparison, scan);
	AtEOXact_GUC(false, nest_level);
	SetUserIdAndSecContext(user, security);
}

/* ---- each entry has a row ---- */

/* Pages that entries are for, ahead of those that are looked at. */
typedef struct Ahead
{
	Entries		entries;
	BlockNumber nblocks;
} Ahead;

static BlockNumber
next_indexed(void *arg)
{
	Ahead	   *ahead = arg;
	BlockNumber block;

	if (!ahead->entries.more || ahead->entries.page.block >= ahead->nblocks)
		return InvalidBlockNumber;
	block = ahead->entries.page.block;
	next_entries(&ahead->entries);
	return block;
}

/* May an index have an entry for it?  What is dead waits for vacuum to take the entry. */
static bool
may_have_entry(const PsRead *guard, OffsetNumber offset) PS_REQUIRES_SHARED(guard)
{
	PsRow		row;

	if (offset < FirstOffsetNumber || offset > ps_page_nitems(guard->page))
		return false;
	if (ps_row_at(guard, offset, &row))
		return !HeapTupleHeaderIsHeapOnly(row.header);
	return ItemIdIsUsed(ps_page_item(guard->page, offset));
}

static int
wrong_entries_of_page(Relation rel, PsPin *pin, const PsBitmapPage *page, OffsetNumber *wrong)
{
	PsRead		guard;
	int			n = 0;

	ps_read_lock(rel, pin, &guard);
	for (int i = 0; i < page->n; i++)
		if (!may_have_entry(&guard, page->offsets[i]))
			wrong[n++] = page->offsets[i];
	ps_read_unlock(&guard);
	return n;
}

/* Entries for what is no row: how many; told, if they are sure. */
static uint64
find_wrong_entries(Comparison *comparison, TIDBitmap *bitmap, bool tell)
{
	Relation	rel = comparison->check->rel;
	Entries    *entries = &comparison->entries;
	const char *name = RelationGetRelationName(comparison->index);
	BlockNumber nblocks = ps_nblocks(rel);
	Ahead		ahead = {.nblocks = nblocks};
	OffsetNumber wrong[MaxHeapTuplesPerPage];
	PsStream   *stream;
	PsPin		pin = PS_NO_PIN;
	uint64		n = 0;

	begin_entries(entries, bitmap);
	begin_entries(&ahead.entries, bitmap);
	stream = ps_stream_begin(rel, next_indexed, &ahead, 0);
	for (; entries->more && entries->page.block < nblocks; next_entries(entries))
	{
		int			nwrong;

		if (!ps_stream_next(stream, &pin))
			elog(ERROR, "two scans of a bitmap differ");
		Assert(pin.block == entries->page.block);
		nwrong = wrong_entries_of_page(rel, &pin, &entries->page, wrong);
		n += nwrong;
		for (int i = 0; tell && i < nwrong; i++)
			ps_put_finding(comparison->check, pin.block, wrong[i], PS_NO_ATTRIBUTE,
						   psprintf("index \"%s\" has an entry for what is no row", name));
	}
	ps_unpin(&pin);
	ps_stream_end(stream);
	ps_bitmap_end(ahead.entries.iterator);

	for (; entries->more; next_entries(entries))
	{
		n++;
		if (tell)
			ps_put_finding(comparison->check, entries->page.block, InvalidOffsetNumber, PS_NO_ATTRIBUTE,
						   psprintf("index \"%s\" has an entry beyond the table's %u blocks", name, nblocks));
	}
	ps_bitmap_end(entries->iterator);
	return n;
}

/* ---- one index ---- */

/* The index may lack rows that only older snapshots than it see. */
static bool
is_too_young(Relation index, Snapshot snapshot)
{
	return index->rd_index->indcheckxmin &&
		!TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data), snapshot->xmin);
}

static void
compare_with(PsCheck *check, Relation index, Snapshot snapshot)
{
	Comparison	comparison = {check, index};
	TIDBitmap  *bitmap = entries_of(index, snapshot);
	uint64		nwrong = 0;

	begin_entries(&comparison.entries, bitmap);
	check_rows(&comparison, snapshot);
	if (comparison.entries.nlossy > 0)
		ereport(WARNING,
				(errmsg("index \"%s\" was compared by page, not by row, on %u pages",
						RelationGetRelationName(index), comparison.entries.nlossy),
				 errhint("Increase maintenance_work_mem.")));
	ps_bitmap_end(comparison.entries.iterator);

	/* in recovery nothing could be kept out */
	if (!RecoveryInProgress())
		nwrong = find_wrong_entries(&comparison, bitmap, false);
	tbm_free(bitmap);
	if (nwrong > 0)
	{
		LockRelation(check->rel, ShareUpdateExclusiveLock);
		bitmap = entries_of(index, snapshot);
		(void) find_wrong_entries(&comparison, bitmap, true);
		tbm_free(bitmap);
		UnlockRelation(check->rel, ShareUpdateExclusiveLock);
	}
}

static void
compare(PsCheck *check, Relation index)
{
	Snapshot	snapshot = RegisterSnapshot(GetTransactionSnapshot());

	if (is_too_young(index, snapshot))
		ereport(WARNING,
				(errmsg("index \"%s\" is not checked: it is too young for this transaction's snapshot",
						RelationGetRelationName(index))));
	else
		compare_with(check, index, snapshot);
	UnregisterSnapshot(snapshot);
}

/* Can a scan without keys name each entry?  brin has none: it names ranges of pages. */
static bool
names_entries(Relation index)
{
	return index->rd_indam->amgetbitmap != NULL && index->rd_indam->amoptionalkey &&
		index->rd_rel->relam != BRIN_AM_OID;
}

static void
check_index(PsCheck *check, Oid oid, bool comparing)
{
	Relation	index = index_open(oid, AccessShareLock);
	const char *name = RelationGetRelationName(index);
	bool		is_btree = index->rd_rel->relam == BTREE_AM_OID;

	if (!index->rd_index->indisvalid)
		ereport(WARNING, (errmsg("index \"%s\" is not checked: it is not valid", name)));
	else if (is_btree && ps_amcheck_index(check, oid, comparing))
		 /* that was it */ ;
	else if (!names_entries(index))
		ereport(WARNING,
				(errmsg("index \"%s\" is not checked: there is no check for access method \"%s\"",
						name, get_am_name(index->rd_rel->relam))));
	else if (comparing)
	{
		if (is_btree)
			ereport(NOTICE,
					(errmsg("index \"%s\" is compared with rows, but its structure is not checked", name),
					 errhint("CREATE EXTENSION amcheck, and EXECUTE on its functions, for that.")));
		compare(check, index);
	}
	else
		ereport(WARNING,
				(errmsg("index \"%s\" is not checked: it is not compared with rows", name)));
	index_close(index, AccessShareLock);
}

void
ps_check_indexes(PsCheck *check, bool comparing)
{
	List	   *indexes = RelationGetIndexList(check->rel);
	ListCell   *cell;

	foreach(cell, indexes)
	{
		CHECK_FOR_INTERRUPTS();
		check_index(check, lfirst_oid(cell), comparing);
	}
	list_free(indexes);
}

/*
 * check_index.c
 *		Are the table's indexes and its rows about the same rows?
 *
 * amcheck does this for btree, and looks at their structure (check_amcheck.c).
 * For the other access methods that can name all of their entries by a scan
 * without keys we compare both ways: each row that a snapshot sees has an entry,
 * if the index should have it; each entry is for a line pointer that may have
 * one.  What entries say of their rows' values is not looked at.  hash and brin
 * can't be scanned that way, and have ways of their own (check_hash.c,
 * check_brin.c), which do look at values.
 *
 * An index scan taken after the snapshot has an entry for each row that the
 * snapshot sees, since writers add the entry before they commit.  The other
 * way round vacuum comes into play: it takes an entry, then sets the line
 * pointer free, which may become another row's.  So what looks wrong is looked
 * at again with vacuum kept out.
 */
#include "postgres.h"

#include "access/amapi.h"
#include "access/genam.h"
#include "access/relscan.h"
#include "access/xlog.h"
#include "admin/check_amcheck.h"
#include "admin/check_brin.h"
#include "admin/check_entries.h"
#include "admin/check_hash.h"
#include "admin/check_index.h"
#include "admin/check_try.h"
#include "catalog/pg_am_d.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "page/guard.h"
#include "page/storage.h"
#include "page/stream.h"
#include "server/compat.h"
#include "storage/lmgr.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

typedef struct Comparison
{
	PsCheck    *check;
	Relation	index;
	PsEntries	entries;
} Comparison;

/* ---- each row has an entry ---- */

static TIDBitmap *
entries_of(Relation index, Snapshot snapshot)
{
	IndexScanDesc scan = index_beginscan_bitmap(index, snapshot, NULL, 0);
	TIDBitmap  *bitmap;

	index_rescan(scan, NULL, 0, NULL, 0);
	bitmap = ps_entries_found(scan);
	index_endscan(scan);
	return bitmap;
}

static void
row_is_indexed(Relation index, ItemPointer tid, Datum *values, bool *isnull, bool alive, void *state)
{
	Comparison *comparison = state;

	CHECK_FOR_INTERRUPTS();
	if (!ps_entries_have(&comparison->entries, tid))
		ps_put_finding(comparison->check, ItemPointerGetBlockNumber(tid), ItemPointerGetOffsetNumber(tid), PS_NO_ATTRIBUTE,
					   psprintf("index \"%s\" has no entry for the row", RelationGetRelationName(index)));
}

/* ---- each entry has a row ---- */

/* Pages that entries are for, ahead of those that are looked at. */
typedef struct Ahead
{
	PsEntries	entries;
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
	ps_entries_next(&ahead->entries);
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
	PsEntries  *entries = &comparison->entries;
	const char *name = RelationGetRelationName(comparison->index);
	BlockNumber nblocks = ps_nblocks(rel);
	Ahead		ahead = {.nblocks = nblocks};
	OffsetNumber wrong[MaxHeapTuplesPerPage];
	PsStream   *stream;
	PsPin		pin = PS_NO_PIN;
	uint64		n = 0;

	ps_entries_begin(entries, bitmap);
	ps_entries_begin(&ahead.entries, bitmap);
	stream = ps_stream_begin(rel, next_indexed, &ahead, 0);
	for (; entries->more && entries->page.block < nblocks; ps_entries_next(entries))
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
	ps_entries_end(&ahead.entries);

	for (; entries->more; ps_entries_next(entries))
	{
		n++;
		if (tell)
			ps_put_finding(comparison->check, entries->page.block, InvalidOffsetNumber, PS_NO_ATTRIBUTE,
						   psprintf("index \"%s\" has an entry beyond the table's %u blocks", name, nblocks));
	}
	ps_entries_end(entries);
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
tell_of_pages(Relation index, BlockNumber nlossy)
{
	if (nlossy > 0)
		ereport(WARNING,
				(errmsg("index \"%s\" was compared by page, not by row, on %u pages",
						RelationGetRelationName(index), nlossy),
				 errhint("Increase maintenance_work_mem.")));
}

/* Entries that are wrong with vacuum kept out. */
static void
tell_wrong_entries(Comparison *comparison, Snapshot snapshot)
{
	Relation	rel = comparison->check->rel;
	Relation	index = comparison->index;
	TIDBitmap  *bitmap;

	LockRelation(rel, ShareUpdateExclusiveLock);
	bitmap = index->rd_rel->relam == HASH_AM_OID ? ps_check_hash_entries(rel, index) : entries_of(index, snapshot);
	(void) find_wrong_entries(comparison, bitmap, true);
	tbm_free(bitmap);
	UnlockRelation(rel, ShareUpdateExclusiveLock);
}

static void
compare_with_hash(Comparison *comparison, Snapshot snapshot)
{
	Relation	index = comparison->index;

	tell_of_pages(index, ps_check_hash_rows(comparison->check, index, snapshot));
	if (RecoveryInProgress())
		return;
	if (index->rd_refcnt > 1)
		ereport(WARNING,
				(errmsg("entries of index \"%s\" are not checked: this session is using it", RelationGetRelationName(index))));
	else
		tell_wrong_entries(comparison, snapshot);
}

static void
compare_with_entries(Comparison *comparison, Snapshot snapshot)
{
	TIDBitmap  *bitmap = entries_of(comparison->index, snapshot);
	uint64		nwrong = 0;

	ps_entries_begin(&comparison->entries, bitmap);
	ps_entries_rows(comparison->check->rel, comparison->index, snapshot, row_is_indexed, comparison);
	tell_of_pages(comparison->index, comparison->entries.nlossy);
	ps_entries_end(&comparison->entries);

	/* in recovery nothing could be kept out */
	if (!RecoveryInProgress())
		nwrong = find_wrong_entries(comparison, bitmap, false);
	tbm_free(bitmap);
	if (nwrong > 0)
		tell_wrong_entries(comparison, snapshot);
}

static void
compare_index(PsCheck *check, Relation index, Snapshot snapshot)
{
	Comparison	comparison = {check, index};

	if (is_too_young(index, snapshot))
		ereport(WARNING,
				(errmsg("index \"%s\" is not checked: it is too young for this transaction's snapshot",
						RelationGetRelationName(index))));
	else if (index->rd_rel->relam == BRIN_AM_OID)
		ps_check_brin(check, index, snapshot);
	else if (index->rd_rel->relam == HASH_AM_OID)
		compare_with_hash(&comparison, snapshot);
	else
		compare_with_entries(&comparison, snapshot);
}

/*
 * Expressions, predicates and operator classes of an index may be anybody's
 * code: they run as the owner, as when the index is used.  After an error it is
 * the subtransaction that puts the user back (check_try.c).
 */
static void
compare(PsCheck *check, void *arg)
{
	Snapshot	snapshot = RegisterSnapshot(GetTransactionSnapshot());
	Oid			user;
	int			security;
	int			nest_level;

	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(check->rel->rd_rel->relowner, security | SECURITY_RESTRICTED_OPERATION);
	nest_level = NewGUCNestLevel();
	RestrictSearchPath();
	compare_index(check, arg, snapshot);
	AtEOXact_GUC(false, nest_level);
	SetUserIdAndSecContext(user, security);
	UnregisterSnapshot(snapshot);
}

/* Is there a way to? */
static bool
can_compare(Relation index)
{
	return index->rd_rel->relam == BRIN_AM_OID || index->rd_rel->relam == HASH_AM_OID ||
		(index->rd_indam->amgetbitmap != NULL && index->rd_indam->amoptionalkey);
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
	else if (!can_compare(index))
		ereport(WARNING,
				(errmsg("index \"%s\" is not checked: there is no check for access method \"%s\"",
						name, get_am_name(index->rd_rel->relam))));
	else if (comparing)
	{
		if (is_btree)
			ereport(NOTICE,
					(errmsg("index \"%s\" is compared with rows, but its structure is not checked", name),
					 errhint("CREATE EXTENSION amcheck, and EXECUTE on its functions, for that.")));
		ps_check_try(check, psprintf("index \"%s\"", name), compare, index);
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

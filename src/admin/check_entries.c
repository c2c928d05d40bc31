/*
 * check_entries.c
 *		What an index and its table have: entries in the order of the table, and
 *		rows as the index should have them.
 */
#include "postgres.h"

#include "access/genam.h"
#include "admin/check_entries.h"
#include "catalog/index.h"
#include "miscadmin.h"
#include "utils/rel.h"

/* ---- entries ---- */

TIDBitmap *
ps_entries_bitmap(void)
{
	return tbm_create(maintenance_work_mem * 1024L, NULL);
}

TIDBitmap *
ps_entries_found(IndexScanDesc scan)
{
	TIDBitmap  *bitmap = ps_entries_bitmap();

	(void) index_getbitmap(scan, bitmap);
	return bitmap;
}

void
ps_entries_next(PsEntries *entries)
{
	entries->more = ps_bitmap_next(entries->iterator, &entries->page);
	if (entries->more && entries->page.lossy)
		entries->nlossy++;
}

void
ps_entries_begin(PsEntries *entries, TIDBitmap *bitmap)
{
	entries->iterator = ps_bitmap_iterate(bitmap);
	entries->nlossy = 0;
	ps_entries_next(entries);
}

void
ps_entries_end(PsEntries *entries)
{
	ps_bitmap_end(entries->iterator);
}

bool
ps_entries_have(PsEntries *entries, const ItemPointerData *tid)
{
	BlockNumber block = ItemPointerGetBlockNumber(tid);
	OffsetNumber offset = ItemPointerGetOffsetNumber(tid);

	while (entries->more && entries->page.block < block)
		ps_entries_next(entries);
	if (!entries->more || entries->page.block != block)
		return false;
	if (entries->page.lossy)
		return true;
	for (int i = 0; i < entries->page.n; i++)
		if (entries->page.offsets[i] == offset)
			return true;
	return false;
}

/* ---- rows ---- */

void
ps_entries_rows(Relation rel, Relation index, Snapshot snapshot, IndexBuildCallback callback, void *state)
{
	IndexInfo  *info = BuildIndexInfo(index);
	TableScanDesc scan = table_beginscan_strat(rel, snapshot, 0, NULL, true, false);

	/* as the snapshot sees rows, and without a look at uniqueness */
	info->ii_Concurrent = true;
	info->ii_Unique = false;
	info->ii_ExclusionOps = NULL;
	info->ii_ExclusionProcs = NULL;
	info->ii_ExclusionStrats = NULL;

	(void) table_index_build_scan(rel, index, info, false, false, callback, state, scan);
}

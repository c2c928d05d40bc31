/*
 * check_entries.h
 *		What an index and its table have: entries in the order of the table, and
 *		rows as the index should have them.
 */
#ifndef PAGESTORE_ADMIN_CHECK_ENTRIES_H
#define PAGESTORE_ADMIN_CHECK_ENTRIES_H

#include "postgres.h"

#include "access/relscan.h"
#include "access/tableam.h"
#include "nodes/tidbitmap.h"
#include "server/compat.h"

/* Entries of a bitmap, page by page. */
typedef struct PsEntries
{
	PsBitmapIterator iterator;
	bool		more;			/* page is one */
	PsBitmapPage page;
	BlockNumber nlossy;			/* pages of which single entries are not known */
} PsEntries;

/* An empty bitmap, of maintenance_work_mem at most; tbm_free() is the caller's. */
extern TIDBitmap *ps_entries_bitmap(void);

/* What a bitmap scan of the index finds by its keys, which it has been given. */
extern TIDBitmap *ps_entries_found(IndexScanDesc scan);

extern void ps_entries_begin(PsEntries *entries, TIDBitmap *bitmap);
extern void ps_entries_next(PsEntries *entries);
extern void ps_entries_end(PsEntries *entries);

/* Is there an entry for this place?  Asked in the order of the table. */
extern bool ps_entries_have(PsEntries *entries, const ItemPointerData *tid);

/*
 * Each row that the snapshot sees and the index should have, in the order of
 * the table, with the index's columns.  The row's place is that of its HOT
 * chain's root, as in the index.  Expressions and predicates of the index are
 * the owner's code: to be called as the owner.
 */
extern void ps_entries_rows(Relation rel, Relation index, Snapshot snapshot,
							IndexBuildCallback callback, void *state);

#endif							/* PAGESTORE_ADMIN_CHECK_ENTRIES_H */

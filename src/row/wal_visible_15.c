/*
 * wal_visible_15.c
 *		WAL records of a page that turns all visible: up to PostgreSQL 18, of a kind
 *		of their own.
 */
#include "postgres.h"

#include "access/heapam_xlog.h"
#include "access/visibilitymapdefs.h"
#include "access/xlog.h"
#include "access/xloginsert.h"
#include "catalog/catalog.h"
#include "row/wal_visible.h"
#include "server/compat.h"

/*
 * One record covers both pages: block 0 the map, block 1 ours.  The record
 * sets PD_ALL_VISIBLE of our page at redo; an image of it is of use only where
 * a hint-like change must be protected from torn writes.  Without that need
 * the page's LSN stays, so that the bit alone never causes a full-page image.
 */
void
ps_wal_visible(PsWrite *guard, const PsNowVisible *visible, bool vacuum)
{
	xl_heap_visible record = {.snapshotConflictHorizon = visible->newest_xmin,.flags = visible->bits};
	bool		protect = XLogHintBitIsNeeded();
	XLogRecPtr	lsn;

	if (RelationIsAccessibleInLogicalDecoding(guard->rel))
		record.flags |= VISIBILITYMAP_XLOG_CATALOG_REL;
	if (protect)
		ps_mark_dirty(guard);
	XLogBeginInsert();
	XLogRegisterData((char *) &record, SizeOfHeapVisible);
	XLogRegisterBuffer(0, visible->map, 0);
	ps_xlog_register(1, guard, protect ? REGBUF_STANDARD : REGBUF_STANDARD | REGBUF_NO_IMAGE);
	lsn = XLogInsert(RM_HEAP2_ID, XLOG_HEAP2_VISIBLE);
	if (protect)
		ps_set_lsn(guard, lsn);
	PageSetLSN(BufferGetPage(visible->map), lsn);
}

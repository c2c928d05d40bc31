/*
 * wal_visible_19.c
 *		WAL records of a page that turns all visible: from PostgreSQL 19 on, those
 *		of a page that is cleaned up, with nothing in them but the map's bits.
 */
#include "postgres.h"

#include "access/heapam_xlog.h"
#include "access/visibilitymapdefs.h"
#include "access/xlog.h"
#include "access/xloginsert.h"
#include "row/wal_visible.h"
#include "server/compat.h"
#include "utils/rel.h"

/*
 * Block 0 is our page, block 1 the map's.  Redo sets PD_ALL_VISIBLE; an image
 * is of use only where a hint-like change must be protected from torn writes.
 * Without that need the page's LSN stays, so that the bit alone never causes a
 * full-page image, and the record says nothing that an image before it lacks.
 */
void
ps_wal_visible(PsWrite *guard, Buffer vmbuf, TransactionId cutoff_xid, uint8 bits)
{
	xl_heap_prune record = {.flags = XLHP_VM_ALL_VISIBLE};
	bool		protect = XLogHintBitIsNeeded();
	XLogRecPtr	lsn;

	Assert(bits & VISIBILITYMAP_ALL_VISIBLE);
	if (bits & VISIBILITYMAP_ALL_FROZEN)
		record.flags |= XLHP_VM_ALL_FROZEN;
	if (RelationIsAccessibleInLogicalDecoding(guard->rel))
		record.flags |= XLHP_IS_CATALOG_REL;
	if (TransactionIdIsValid(cutoff_xid))
		record.flags |= XLHP_HAS_CONFLICT_HORIZON;
	if (protect)
		ps_mark_dirty(guard);
	XLogBeginInsert();
	ps_xlog_register(0, guard, protect ? REGBUF_STANDARD : REGBUF_STANDARD | REGBUF_NO_IMAGE);
	XLogRegisterBuffer(1, vmbuf, 0);
	XLogRegisterData(&record, SizeOfHeapPrune);
	if (TransactionIdIsValid(cutoff_xid))
		XLogRegisterData(&cutoff_xid, sizeof(TransactionId));
	lsn = XLogInsert(RM_HEAP2_ID, XLOG_HEAP2_PRUNE_VACUUM_SCAN);
	if (protect)
		ps_set_lsn(guard, lsn);
	PageSetLSN(BufferGetPage(vmbuf), lsn);
}

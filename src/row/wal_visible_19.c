/*
 * wal_visible_19.c
 *		WAL records of a page that turns all visible: from PostgreSQL 19 on, those
 *		of a page that is cleaned up, with nothing in them but the map's bits.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "row/wal_visible.h"

void
ps_wal_visible(PsWrite *guard, const PsNowVisible *visible, bool vacuum)
{
	PsCleanup	done = {.vacuum = vacuum,.visible = visible};

	if (XLogHintBitIsNeeded() || XLogRecPtrIsInvalid(PageGetLSN(guard->page)))
		ps_mark_dirty(guard);	/* its LSN will be set */
	ps_wal_cleanup(guard, &done);
}

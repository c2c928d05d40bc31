/*
 * wal_image.c
 *		WAL records of a whole page.
 */
#include "postgres.h"

#include "access/xloginsert.h"
#include "catalog/pg_control.h"
#include "row/wal_image.h"

void
ps_wal_image(PsWrite *guard)
{
	XLogBeginInsert();
	ps_xlog_register(0, guard, REGBUF_STANDARD | REGBUF_FORCE_IMAGE);
	ps_set_lsn(guard, XLogInsert(RM_XLOG_ID, XLOG_FPI));
}

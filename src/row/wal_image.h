/*
 * wal_image.h
 *		WAL records of a whole page.
 */
#ifndef PAGESTORE_ROW_WAL_IMAGE_H
#define PAGESTORE_ROW_WAL_IMAGE_H

#include "page/guard.h"

/*
 * The page, whatever became of it; sets its LSN.  Called in the critical
 * section, and only where RelationNeedsWAL().
 */
extern void ps_wal_image(PsWrite *guard) PS_REQUIRES(guard);

#endif							/* PAGESTORE_ROW_WAL_IMAGE_H */

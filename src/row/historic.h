/*
 * historic.h
 *		Visibility under a logical decoding (historic) snapshot.
 */
#ifndef PAGESTORE_ROW_HISTORIC_H
#define PAGESTORE_ROW_HISTORIC_H

#include "page/guard.h"
#include "utils/snapshot.h"

/*
 * Does the snapshot see the row?  Under a guard on the current page; sets no
 * hint bits.  Only while such a snapshot is set up (HistoricSnapshotActive()).
 */
extern bool ps_row_visible_historic(const PsRead *guard, const PsRow *row, Snapshot snapshot)
			PS_REQUIRES_SHARED(guard);

#endif							/* PAGESTORE_ROW_HISTORIC_H */

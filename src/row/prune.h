/*
 * prune.h
 *		Remove dead versions from a page, without a cleanup lock
 *		(doc/architecture.md).
 */
#ifndef PAGESTORE_ROW_PRUNE_H
#define PAGESTORE_ROW_PRUNE_H

#include "row/visibility.h"

/* Prune if it seems worth it (heap_page_prune_opt's rule).  Pin held, no latch; the pin may move. */
extern void ps_prune_opportunistic(Relation rel, PsPin *pin);

/*
 * Prune and compact a page that is ps_write_movable().  Logs and changes it;
 * returns the number of tuples deleted and in *nnewlpdead the line pointers
 * that became LP_DEAD.  off_loc, if not NULL, follows the offset at work for
 * error contexts. oldest_xmin: vacuum's cutoff; what it calls dead goes, even
 * where vistest has moved back since.  Invalid: vistest alone.
 */
extern int	ps_prune_page(PsWrite *guard, TransactionId oldest_xmin, struct GlobalVisState *vistest,
						  TransactionId old_snap_xmin, TimestampTz old_snap_ts,
						  int *nnewlpdead, OffsetNumber *off_loc);

#endif							/* PAGESTORE_ROW_PRUNE_H */

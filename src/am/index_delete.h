/*
 * index_delete.h
 *		Which entries of an index page are of use to nobody?
 */
#ifndef PAGESTORE_AM_INDEX_DELETE_H
#define PAGESTORE_AM_INDEX_DELETE_H

#include "access/tableam.h"

/*
 * The callback index_delete_tuples (access/tableam.h), with the index page
 * locked: op->deltids[] comes back with the deletable entries marked, and ends
 * with the last of them.  Returns the newest xid that a standby's query may
 * still see behind them.  ereport(ERROR, ERRCODE_INDEX_CORRUPTED) for an entry
 * that leads to no row.
 */
extern TransactionId ps_index_delete_tuples(Relation rel, TM_IndexDeleteOp *op);

#endif							/* PAGESTORE_AM_INDEX_DELETE_H */

/*
 * cluster.h
 *		VACUUM FULL, CLUSTER, REPACK: copy what is still needed of a table to a new one.
 */
#ifndef PAGESTORE_AM_CLUSTER_H
#define PAGESTORE_AM_CLUSTER_H

#include "access/tableam.h"

/*
 * The callback relation_copy_for_cluster (access/tableam.h), with
 * AccessExclusiveLock on both tables: snapshot is NULL.
 */
extern void ps_copy_for_cluster(Relation old_table, Relation new_table, Relation old_index, bool use_sort,
								TransactionId OldestXmin, Snapshot snapshot,
								TransactionId *xid_cutoff, MultiXactId *multi_cutoff,
								double *num_tuples, double *tups_vacuumed, double *tups_recently_dead);

#endif							/* PAGESTORE_AM_CLUSTER_H */

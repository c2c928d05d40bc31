/*
 * ddl.h
 *		Files of a relation: creation, truncation, copying, size.
 */
#ifndef PAGESTORE_AM_DDL_H
#define PAGESTORE_AM_DDL_H

#include "access/tableam.h"
#include "server/compat.h"

/* Callbacks (access/tableam.h). */
extern void ps_set_new_filelocator(Relation rel, const RelFileLocator *newrlocator, char persistence,
								   TransactionId *freezeXid, MultiXactId *minmulti);
extern void ps_nontransactional_truncate(Relation rel);
extern void ps_copy_data(Relation rel, const RelFileLocator *newrlocator);
extern uint64 ps_relation_size(Relation rel, ForkNumber forkNumber);
extern bool ps_needs_toast_table(Relation rel);
extern Oid	ps_toast_am(Relation rel);
extern void ps_estimate_size(Relation rel, int32 *attr_widths, BlockNumber *pages, double *tuples, double *allvisfrac);

#endif							/* PAGESTORE_AM_DDL_H */

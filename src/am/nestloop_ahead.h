/*
 * nestloop_ahead.h
 *		A plan node that reads ahead for the inner side of a nested loop.
 */
#ifndef PAGESTORE_AM_NESTLOOP_AHEAD_H
#define PAGESTORE_AM_NESTLOOP_AHEAD_H

#include "nodes/plannodes.h"

/*
 * A node to stand between the join and its outer plan, for an inner index scan
 * that takes its keys from the outer row.  plan_node_id is new in the
 * statement.  In CurrentMemoryContext, as the plan.
 */
extern Plan *ps_nestloop_ahead(const NestLoop *join, const IndexScan *inner, int plan_node_id);

/* Makes the node known, also to parallel workers.  In _PG_init(). */
extern void ps_nestloop_ahead_init(void);

#endif							/* PAGESTORE_AM_NESTLOOP_AHEAD_H */

/*
 * nestloop_ahead.h
 *		A plan node that reads ahead for the inner side of a nested loop.
 */
#ifndef PAGESTORE_AM_NESTLOOP_AHEAD_H
#define PAGESTORE_AM_NESTLOOP_AHEAD_H

#include "nodes/plannodes.h"

/*
 * A node to stand between the join and its outer plan, for an inner index scan
 * that takes its keys from the outer row.  can_fail: an outer row, or its key,
 * may be an error; none is then taken early unless all are asked for.
 * plan_node_id is new in the statement.  In CurrentMemoryContext, as the plan.
 */
extern Plan *ps_nestloop_ahead(const NestLoop *join, const IndexScan *inner, bool can_fail, int plan_node_id);

/* Is it such a node? */
extern bool ps_is_nestloop_ahead(const Plan *plan);

/* Makes the node known, also to parallel workers.  In _PG_init(). */
extern void ps_nestloop_ahead_init(void);

#endif							/* PAGESTORE_AM_NESTLOOP_AHEAD_H */

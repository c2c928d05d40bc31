/*
 * nestloop_plan.h
 *		Nested loops in finished plans: which of them get a node that reads ahead.
 */
#ifndef PAGESTORE_AM_NESTLOOP_PLAN_H
#define PAGESTORE_AM_NESTLOOP_PLAN_H

/* pagestore.enable_nestloop_readahead */
extern bool ps_enable_nestloop_readahead;

/* Registers the node and hooks the planner.  In _PG_init(). */
extern void ps_nestloop_init(void);

#endif							/* PAGESTORE_AM_NESTLOOP_PLAN_H */

/*
 * aggregate.h
 *		Plain aggregates of a whole table, computed where its rows are.
 */
#ifndef PAGESTORE_AM_AGGREGATE_H
#define PAGESTORE_AM_AGGREGATE_H

/* pagestore.enable_scan_aggregates */
extern bool ps_enable_scan_aggregates;

/* Hooks the start of the executor.  In _PG_init(). */
extern void ps_aggregate_init(void);

#endif							/* PAGESTORE_AM_AGGREGATE_H */

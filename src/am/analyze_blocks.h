/*
 * analyze_blocks.h
 *		The blocks that ANALYZE is going to sample, ahead of their use.
 *
 * A variant for each server, which tell them in different ways:
 * analyze_blocks_15.c, analyze_blocks_17.c.
 */
#ifndef PAGESTORE_AM_ANALYZE_BLOCKS_H
#define PAGESTORE_AM_ANALYZE_BLOCKS_H

#include "access/tableam.h"
#include "am/desc.h"

/* PsScanDesc.current before the page in hand has been judged */
#define PS_NOT_JUDGED	(-2)

/*
 * Somebody has asked for the size of a table's main fork.  If it is ANALYZE,
 * about to choose its sample, and does not tell: remember what the choice
 * depends on, and have it not prefetch into the kernel's page cache.
 */
extern void ps_analyze_sized(Relation rel, BlockNumber nblocks);

/* An analyze scan begins, before the table's size is asked for again: sets scan->sampled. */
extern void ps_analyze_begin(PsScanDesc *scan);

/* Fills in scan_analyze_next_block: pins a sampled page in scan->pin. */
extern void ps_analyze_callbacks(TableAmRoutine *routine);

#endif							/* PAGESTORE_AM_ANALYZE_BLOCKS_H */

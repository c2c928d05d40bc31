/*
 * analyze_blocks.h
 *		Knowing the blocks that ANALYZE is going to sample.
 */
#ifndef PAGESTORE_AM_ANALYZE_BLOCKS_H
#define PAGESTORE_AM_ANALYZE_BLOCKS_H

#include "utils/rel.h"
#include "utils/sampling.h"

/*
 * Somebody has asked for the size of a table's main fork.  If it is ANALYZE,
 * about to choose its sample: remember what the choice depends on, and have it
 * not prefetch into the kernel's page cache.
 */
extern void ps_analyze_sized(Relation rel, BlockNumber nblocks);

/*
 * An analyze scan begins: the blocks it will visit, in order, as a sampler
 * that makes the same choice; NULL if that can't be known.  Allocated in
 * CurrentMemoryContext.
 */
extern BlockSampler ps_analyze_blocks(Relation rel);

#endif							/* PAGESTORE_AM_ANALYZE_BLOCKS_H */

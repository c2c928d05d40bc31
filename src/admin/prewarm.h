/*
 * prewarm.h
 *		Read a part of a table into where its pages are cached.
 */
#ifndef PAGESTORE_ADMIN_PREWARM_H
#define PAGESTORE_ADMIN_PREWARM_H

#include "postgres.h"
#include "storage/block.h"
#include "utils/rel.h"

/* The blocks [first, end). */
extern void ps_prewarm_blocks(Relation rel, BlockNumber first, BlockNumber end);

#endif							/* PAGESTORE_ADMIN_PREWARM_H */

/*
 * place_ahead.h
 *		Reading ahead the pages that the next rows will go to.
 */
#ifndef PAGESTORE_AM_PLACE_AHEAD_H
#define PAGESTORE_AM_PLACE_AHEAD_H

#include "storage/block.h"
#include "utils/rel.h"

/*
 * A row of this process is about to go to the block, for which so many bytes
 * of free space were wanted.  To be called before its page is pinned, with no
 * latch held; cheap as long as it is the same block.  ereport(ERROR) where the
 * free space map can't be read, or the file not be opened.
 */
extern void ps_place_ahead(Relation rel, BlockNumber block, Size want);

#endif							/* PAGESTORE_AM_PLACE_AHEAD_H */

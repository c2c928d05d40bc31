/*
 * evict.h
 *		Frames to fill: the free list, and victims of the replacement policy.
 */
#ifndef PAGESTORE_POOL_EVICT_H
#define PAGESTORE_POOL_EVICT_H

#include "pool/tag.h"

/*
 * A frame in hands, with one raw pin for the caller.  may_write: dirty pages
 * may be written out to get it.  may_fail: returns PS_NO_FRAME rather than
 * wait or ereport(ERROR); else waits up to two seconds, serving interrupts,
 * then ERRCODE_INSUFFICIENT_RESOURCES.  No bucket lock may be held; latches
 * may: a victim's is only tried.
 */
extern PsFrame ps_frame_take(bool may_write, bool may_fail);

/*
 * The page leaves the pool, written first if it is dirty, and its frame is
 * free; unless it has gone already, or somebody pins it, or has since the frame
 * was marked IDLE.  False: it stays.  No lock or latch is held.  ereport(ERROR)
 * where it can't be written.
 */
extern bool ps_frame_give_up(PsFrame frame, const PsTag *tag);

#endif							/* PAGESTORE_POOL_EVICT_H */

/*
 * bitmap_queue.h
 *		Pages of a bitmap whose blocks a stream has been told of: what else the
 *		bitmap says of them waits here until their turn has come.
 */
#ifndef PAGESTORE_AM_BITMAP_QUEUE_H
#define PAGESTORE_AM_BITMAP_QUEUE_H

#include "server/compat.h"

typedef struct PsBitmapQueue
{
	uint16	   *words;			/* ring: three for a page, then its offsets */
	uint32		room;			/* a power of two; 0: words is NULL */
	uint32		first;
	uint32		last;
} PsBitmapQueue;

/* An empty queue, in CurrentMemoryContext. */
extern PsBitmapQueue *ps_bitmap_queue_make(void);

extern void ps_bitmap_queue_push(PsBitmapQueue *queue, const PsBitmapPage *page);

/* The page that was put first, which must be the one at this block. */
extern void ps_bitmap_queue_pop(PsBitmapQueue *queue, BlockNumber block, PsBitmapPage *page);

/* Nothing is left, and next to no memory is kept: each partition's scan has a queue. */
extern void ps_bitmap_queue_clear(PsBitmapQueue *queue);

#endif							/* PAGESTORE_AM_BITMAP_QUEUE_H */

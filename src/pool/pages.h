/*
 * pages.h
 *		Lists of pages, made by a scan of the headers of all frames in use.
 *
 * A list names pages, not frames: by the time it is used a page may lie in
 * another frame, or in none.
 */
#ifndef PAGESTORE_POOL_PAGES_H
#define PAGESTORE_POOL_PAGES_H

#include "pool/pool.h"

typedef struct PsPageList
{
	PsTag	   *tags;			/* palloc'd; sorted by relation and block */
	uint32		n;
} PsPageList;

/* Is this frame's page wanted?  Called without locks: state and tag are a glance. */
typedef bool (*PsPageFilter) (PsFrameHeader *frame, uint32 state, void *arg);

/*
 * The pages that pass the filter, none missed although pages may change frames
 * during the scan, which holds ps_pool->move_lock exclusively.  No lock is
 * held.  ereport(ERROR) for want of memory.
 */
extern PsPageList ps_pagelist_collect(PsPageFilter filter, void *arg);
extern void ps_pagelist_free(PsPageList *list);

#endif							/* PAGESTORE_POOL_PAGES_H */

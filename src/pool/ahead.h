/*
 * ahead.h
 *		Pages read ahead of their use.
 */
#ifndef PAGESTORE_POOL_AHEAD_H
#define PAGESTORE_POOL_AHEAD_H

#include "pool/tag.h"

#define PS_AHEAD_MAX 128		/* pages that are read together, at most */

/*
 * Start reading those of n blocks that are not resident; never waits for a
 * read, never fails for want of frames (does less).  Sorts them: adjacent ones
 * are one read, and the reads of a segment reach the kernel together, before
 * this returns.  Returns the number of pages whose read was started, and adds
 * the number of their reads to *requests.  again: these pages come again and
 * again (pass.h).  ereport(ERROR) where a file can't be opened, though not if it
 * is missing.
 */
extern int	ps_pool_prefetch(const PsRelKey *rel, BlockNumber *blocks, int n, bool again, int *requests);

/* The end of a read into frames, for ps_aio_frame_done: throws nothing. */
extern void ps_pool_read_done(const uint32 *cookies, int ncookies, ssize_t result);

#endif							/* PAGESTORE_POOL_AHEAD_H */

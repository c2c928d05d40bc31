/*
 * release.h
 *		Memory of frames that the pool has given up, back to the system.
 *
 * Memory in huge pages goes back by whole pages or not at all.  The kernel
 * keeps huge pages in reserve for a mapping, but not for what has gone back:
 * so they must be obtained before frames are used again, since a touch without
 * one would end the server.
 */
#ifndef PAGESTORE_POOL_RELEASE_H
#define PAGESTORE_POOL_RELEASE_H

#include "pool/pool.h"

/* So many frames share a page of memory, the first of them a multiple of it; 1 at least. */
extern uint32 ps_frames_a_page(void);

/* Memory has been made anew, after a crash by the same postmaster: its pages may be of another size. */
extern void ps_frames_page_forget(void);

/*
 * Give back the memory of the retired frames from first to end, which lie beyond
 * the pool's size: they are released then, whether the system takes it or not
 * (logged once).  first is a multiple of ps_frames_a_page(), or the pool's size;
 * end is one, or ps_frames_used().
 */
extern void ps_frames_release(PsFrame first, PsFrame end);

/* Frames from first to end are going to be used again: false if there is no memory for them. */
extern bool ps_frames_populate(PsFrame first, PsFrame end);

#endif							/* PAGESTORE_POOL_RELEASE_H */

/*
 * protect.h
 *		A process can touch a frame only while it may: with the setting
 *		pagestore.debug_protect_frames, and in builds for AddressSanitizer or
 *		valgrind.
 *
 * No-ops otherwise.  Counted, so that calls nest: around the time from a
 * process's first to its last pin of a frame, and around every other touch of
 * its bytes.
 */
#ifndef PAGESTORE_POOL_PROTECT_H
#define PAGESTORE_POOL_PROTECT_H

#include "debug/memory.h"
#include "pool/tag.h"

extern bool ps_debug_protect_frames;	/* the setting, registered in
										 * pagestore.c */

extern void ps_protect_count(PsFrame frame, int change);

/* May map memory the first time: ereport(ERROR) then, unless ps_protect_attach() has been called. */
static inline void
ps_protect_allow(PsFrame frame)
{
	if (PS_MEMORY_WATCHED || unlikely(ps_debug_protect_frames))
		ps_protect_count(frame, 1);
}

static inline void
ps_protect_forbid(PsFrame frame)
{
	if (PS_MEMORY_WATCHED || unlikely(ps_debug_protect_frames))
		ps_protect_count(frame, -1);
}

/*
 * In debug builds: nobody needs the bytes of the frame, which the caller has
 * in hands; whoever looks there is not to find a page.
 */
#ifdef PAGESTORE_DEBUG
extern void ps_frame_spoil(PsFrame frame);
extern bool ps_frame_is_spoiled(PsFrame frame); /* for assertions */
#else
#define ps_frame_spoil(frame) ((void) 0)
#endif

/* Make what this process counts with.  Idempotent.  ereport(ERROR) for want of memory. */
extern void ps_protect_attach(void);

/* In the postmaster, when the frames are mapped.  ereport(FATAL) where they can't be protected. */
extern void ps_protect_init(void);

/* Does this process's mapping let it read the frame?  ereport(ERROR) for want of a pipe. */
extern bool ps_frame_can_touch(PsFrame frame);

#endif							/* PAGESTORE_POOL_PROTECT_H */

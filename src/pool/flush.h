/*
 * flush.h
 *		Dirty frames to disk, one run of adjacent pages at a time.
 *
 * A write gathers adjacent dirty frames, copies each under its shared latch
 * into aligned private memory, flushes WAL, sets checksums, writes, requests
 * the sync, and only then clears DIRTY: whoever finds a frame clean may rely
 * on both.
 */
#ifndef PAGESTORE_POOL_FLUSH_H
#define PAGESTORE_POOL_FLUSH_H

#include "pool/pages.h"

typedef enum PsFlushReason
{
	PS_FLUSH_WRITER,			/* the background writer */
	PS_FLUSH_CHECKPOINT,		/* the sentinel, for a checkpoint */
	PS_FLUSH_BACKEND,			/* a frame is needed */
	PS_FLUSH_COMMAND			/* a command wants the relation on disk */
} PsFlushReason;

/*
 * Write the frame, and dirty neighbours on disk up to PS_IO_MAX_PAGES, if it
 * is dirty and no write of it is in flight.  The caller holds a pin and no
 * latch of it.  wait: wait for the latch, else skip.  Returns pages written.
 * ereport(ERROR) where WAL or the page can't be written: the frames are as
 * before.  A page whose file is gone is forgotten.
 */
extern int	ps_flush_frame(PsFrame frame, PsFlushReason reason, bool wait);

/*
 * Wait until no write of the frame is in flight.  The caller holds a pin, and
 * an exclusive latch or NOWRITE keeps new ones away.  Serves interrupts.
 */
extern void ps_flush_wait(PsFrame frame);

/*
 * Write the page if it is here and the filter wants it.  wait: until it is
 * clean, or gone, whoever writes it; serves interrupts then.  No lock is held.
 * ereport(ERROR) as above.
 */
extern void ps_flush_page(const PsTag *tag, PsPageFilter filter, void *arg,
						  PsFlushReason reason, bool wait);

/* ---- for batch.c ---- */

/*
 * Copy the frame's page and mark it WRITING; *lsn is raised to the page's if
 * that is WAL-logged.  False if there is nothing to write, another writes it,
 * or (unless wait) the latch is held.  The caller holds a pin, and interrupts
 * off until ps_frame_end_write().
 */
extern bool ps_flush_claim(PsFrame frame, char *copy, XLogRecPtr *lsn, bool wait);

/* So many pages have been written, by so many requests. */
extern void ps_flush_count(PsFlushReason reason, int requests, int n);

#endif							/* PAGESTORE_POOL_FLUSH_H */

/*
 * flush.h
 *		Dirty frames to disk.
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

/* All pages dirtied before redo (InvalidXLogRecPtr: all); those of unlogged tables only if asked. */
extern void ps_flush_all(XLogRecPtr redo, bool unlogged, PsFlushReason reason);

#endif							/* PAGESTORE_POOL_FLUSH_H */

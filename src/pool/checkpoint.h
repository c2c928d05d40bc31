/*
 * checkpoint.h
 *		All pages that must be on disk: at once, or at the pace of a
 *		checkpoint.  For the sentinel alone.
 */
#ifndef PAGESTORE_POOL_CHECKPOINT_H
#define PAGESTORE_POOL_CHECKPOINT_H

#include "access/xlogdefs.h"

/*
 * Write all dirty pages, those of unlogged tables too, at full speed.
 * ereport(ERROR) as ps_flush_pages().
 */
extern void ps_checkpoint_write_all(void);

/* Is the one of this redo pointer begun, and not ended? */
extern bool ps_checkpoint_is_begun(XLogRecPtr redo);

/*
 * List what is owed to the checkpoint: the pages dirtied before redo; those of
 * unlogged tables only if asked.  ereport(ERROR) for want of memory.
 */
extern void ps_checkpoint_begin(XLogRecPtr redo, bool unlogged);

/*
 * Write the pages that are due by now (pool/pace.h); true when all are
 * written.  Core's checkpointer waits for us: its statistics are written too.
 * ereport(ERROR) as ps_flush_pages(): then the checkpoint has to be ended, and
 * begun again to be tried again.
 */
extern bool ps_checkpoint_write_due(void);

/* All is written: say so in the server log, by log_checkpoints, if anything was owed. */
extern void ps_checkpoint_log(void);

/* Forget it.  Does not fail. */
extern void ps_checkpoint_end(void);

#endif							/* PAGESTORE_POOL_CHECKPOINT_H */

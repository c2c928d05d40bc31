/*
 * pace.h
 *		How much of a checkpoint's pages should be on disk by now.
 *
 * Spread as core spreads its own part, by checkpoint_completion_target: over
 * that part of checkpoint_timeout, and of the WAL after which the next
 * checkpoint is asked for, whichever is nearer its end.  For the sentinel
 * alone, one checkpoint at a time.
 */
#ifndef PAGESTORE_POOL_PACE_H
#define PAGESTORE_POOL_PACE_H

#include "access/xlogdefs.h"

/*
 * A checkpoint with this redo pointer has begun, of which share (0 to 1) is
 * ours: the rest of its time is core's, whose part comes after it.
 */
extern void ps_pace_begin(XLogRecPtr redo, double share);

/*
 * The part of our pages, 0 to 1, that should be written by now.  1 from the
 * moment on that somebody wants the checkpointer: for a checkpoint, a barrier,
 * or new settings.  Meanwhile does for core's checkpointer, which waits, what
 * can't be put off (archive_timeout): may write WAL.
 */
extern double ps_pace_due(void);

#endif							/* PAGESTORE_POOL_PACE_H */

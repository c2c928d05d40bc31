/*
 * inspect.h
 *		A look into the pool from outside, for views and checks.
 */
#ifndef PAGESTORE_POOL_INSPECT_H
#define PAGESTORE_POOL_INSPECT_H

#include "pool/pool.h"

typedef struct PsFrameInfo
{
	RelFileNode rnode;
	BlockNumber block;
	uint32		pins;			/* processes and I/O requests that pin it */
	XLogRecPtr	dirty_since;	/* of a dirty page of a WAL-logged relation:
								 * all changes that disk lacks are logged
								 * beyond it */
	bool		dirty,
				writing,
				reading,
				ghost;
} PsFrameInfo;

/*
 * What frame held a moment ago; false if it is free.  Takes no lock, so that
 * the fields may belong to different moments: for people, not for decisions.
 */
extern bool ps_frame_inspect(PsFrame frame, PsFrameInfo *info);

/* Does this process's mapping let it read the frame?  (pool/protect.c) */
extern bool ps_frame_can_touch(PsFrame frame);

#endif							/* PAGESTORE_POOL_INSPECT_H */

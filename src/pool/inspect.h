/*
 * inspect.h
 *		A look into the pool from outside, for views and checks.
 */
#ifndef PAGESTORE_POOL_INSPECT_H
#define PAGESTORE_POOL_INSPECT_H

#include "access/xlogdefs.h"
#include "pool/tag.h"

typedef struct PsFrameInfo
{
	RelFileLocator rlocator;
	BlockNumber block;
	uint32		pins;			/* processes and I/O requests that pin it */
	XLogRecPtr	dirty_since;	/* of a dirty page of a WAL-logged relation:
								 * all changes that disk lacks are logged
								 * beyond it */
	bool		dirty;
	bool		writing;
	bool		reading;
	bool		ghost;
} PsFrameInfo;

/*
 * What the frame, one of the first ps_frames_used(), held a moment ago; false
 * if it is free.  Takes no lock, so that the fields may belong to different
 * moments: for people, not for decisions.
 */
extern bool ps_frame_inspect(PsFrame frame, PsFrameInfo *info);

#endif							/* PAGESTORE_POOL_INSPECT_H */

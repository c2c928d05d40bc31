/*
 * inspect.c
 *		A look into the pool from outside, for views and checks.
 */
#include "postgres.h"

#include "pool/inspect.h"
#include "pool/pool.h"

bool
ps_frame_inspect(PsFrame frame, PsFrameInfo *info)
{
	const PsFrameHeader *header = ps_frame(frame);
	uint32		state = pg_atomic_read_u32(&ps_frame(frame)->state);

	if ((state & (PS_TAGGED | PS_GHOST)) == 0)
		return false;
	info->rlocator = header->tag.rlocator;
	info->block = header->tag.block;
	info->pins = state & PS_PIN_MASK;
	info->dirty = (state & PS_DIRTY) != 0;
	info->dirty_since = info->dirty && (state & PS_PERMANENT) ?
		pg_atomic_read_u64(&ps_frame(frame)->first_dirty) : InvalidXLogRecPtr;
	info->writing = (state & PS_WRITING) != 0;
	info->reading = (state & PS_READING) != 0;
	info->ghost = (state & PS_GHOST) != 0;
	return true;
}

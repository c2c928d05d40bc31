/*
 * can_touch.c
 *		Whether this process can reach a frame now (pagestore.debug_protect_frames).
 *
 * Built with PAGESTORE_DEBUG=1 only, for the extension pagestore_test.
 */
#include "postgres.h"

#include "fmgr.h"
#include "pool/pool.h"
#include "pool/protect.h"
#include "server/preload.h"

PG_FUNCTION_INFO_V1(pagestore_can_touch);

/* SQL: pagestore_can_touch(frame bigint) returns boolean: would this process survive a look at the frame now? */
Datum
pagestore_can_touch(PG_FUNCTION_ARGS)
{
	int64		frame = PG_GETARG_INT64(0);

	ps_require_preloaded();
	if (frame < 0 || frame >= ps_frames_max)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no frame " INT64_FORMAT, frame)));
	PG_RETURN_BOOL(ps_frame_can_touch((PsFrame) frame));
}

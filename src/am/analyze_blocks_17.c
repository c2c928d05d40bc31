/*
 * analyze_blocks_17.c
 *		The blocks that ANALYZE samples: PostgreSQL 17 and later give a stream of
 *		them, which can be asked for the numbers alone.
 */
#include "postgres.h"

#include "am/analyze_blocks.h"
#include "page/usage.h"
#include "storage/read_stream.h"

void
ps_analyze_sized(Relation rel, BlockNumber nblocks)
{
	/* the choice is told, and needs no guess */
}

void
ps_analyze_begin(PsScanDesc *scan)
{
	scan->sampled = NULL;		/* comes with the first block */
}

static BlockNumber
next_sampled(void *arg)
{
	BufferAccessStrategy strategy;

	return read_stream_next_block(((PsScanDesc *) arg)->sampled, &strategy);
}

static bool
next_analyzed_block(TableScanDesc base, ReadStream *stream)
{
	PsScanDesc *scan = (PsScanDesc *) base;
	IOContext	before;
	bool		more;

	if (!scan->stream)
	{
		scan->sampled = stream;
		scan->stream = ps_stream_begin(base->rs_rd, next_sampled, scan, 0);
	}
	Assert(scan->sampled == stream);
	scan->current = PS_NOT_JUDGED;
	before = ps_usage_enter(IOCONTEXT_VACUUM);
	more = ps_stream_next(scan->stream, &scan->pin);
	(void) ps_usage_enter(before);
	return more;
}

void
ps_analyze_callbacks(TableAmRoutine *routine)
{
	routine->scan_analyze_next_block = next_analyzed_block;
}

/*
 * prewarm.c
 *		pagestore_prewarm(): read a table, or a part of it, into the pool.
 */
#include "postgres.h"

#include "access/relation.h"
#include "admin/prewarm.h"
#include "admin/progress.h"
#include "admin/tool.h"
#include "debug/stop.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "page/storage.h"
#include "page/stream.h"

PG_FUNCTION_INFO_V1(pagestore_prewarm);

/* Pages enter the pool; there is no page cache between it and the disk that they could enter instead. */
void
ps_prewarm_blocks(Relation rel, BlockNumber first, BlockNumber end)
{
	PsBlockRange range = {first, end};
	PsStream   *stream = ps_stream_begin(rel, ps_next_block, &range, 0);
	PsPin		pin = PS_NO_PIN;
	int64		done = 0;

	ps_progress_begin(PS_COMMAND_PREWARM, RelationGetRelid(rel));
	ps_progress_set(PS_PREWARM_BLOCKS_TOTAL, end - first);
	while (ps_stream_next(stream, &pin))
	{
		CHECK_FOR_INTERRUPTS();
		ps_progress_set(PS_PREWARM_BLOCKS_DONE, ++done);
		PS_STOP("prewarm-block");
	}
	ps_progress_end();
	ps_stream_end(stream);
}

/*
 * SQL: pagestore_prewarm(relation regclass, first_block bigint, last_block bigint) returns bigint
 *
 * How many blocks it went through.  For who may SELECT from the table.
 */
Datum
pagestore_prewarm(PG_FUNCTION_ARGS)
{
	Relation	rel;
	int64		nblocks,
				first,
				last;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("relation cannot be null")));
	rel = ps_tool_open(PG_GETARG_OID(0), ACL_SELECT, InvalidOid,
					   "pg_prewarm() of extension pg_prewarm is for other relations.");
	nblocks = ps_nblocks(rel);
	first = ps_block_argument(fcinfo, 1, "starting", nblocks, 0);
	last = ps_block_argument(fcinfo, 2, "ending", nblocks, nblocks - 1);
	if (first <= last)
		ps_prewarm_blocks(rel, first, last + 1);
	relation_close(rel, AccessShareLock);
	PG_RETURN_INT64(Max(last - first + 1, 0));
}

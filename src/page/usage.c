/*
 * usage.c
 *		How this process's page accesses divide between the pool and
 *		shared_buffers.
 *
 * What core counts in a parallel worker it adds to the leader's count when the
 * worker has ended, pool and shared_buffers together.  So a worker adds nothing
 * of its own but takes away what was the pool's, and the sum over all processes
 * is right.  What a worker that fails has counted reaches nobody.
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "page/usage.h"
#include "pool/iostat.h"
#include "pool/pool.h"
#include "pool/stats.h"
#include "storage/proc.h"

PsUsage		ps_usage_of_pool;

/* What has been accessed since the last call. */
static PsUsage
since_last(PsUsage now, PsUsage *last)
{
	PsUsage		since = {now.hits - last->hits, now.reads - last->reads};

	*last = now;
	return since;
}

static void
count_at_end(XactEvent event, void *arg)
{
	static PsUsage last_all,
				last_of_pool;
	PsUsage		all = {pgBufferUsage.shared_blks_hit, pgBufferUsage.shared_blks_read};
	PsUsage		of_pool = ps_usage_of_pool;

	switch (event)
	{
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_PARALLEL_COMMIT:
		case XACT_EVENT_PARALLEL_ABORT:
			break;
		default:
			return;
	}

	all = since_last(all, &last_all);
	of_pool = since_last(of_pool, &last_of_pool);
	if (event == XACT_EVENT_PARALLEL_ABORT || ps_pool == NULL || MyProc == NULL)
		return;
	if (IsParallelWorker())
		all.hits = all.reads = 0;
	ps_count_shared(all.hits - of_pool.hits, all.reads - of_pool.reads);
}

IOContext
ps_usage_enter(IOContext context)
{
	return ps_iostat_enter(context);
}

void
ps_usage_init(void)
{
	RegisterXactCallback(count_at_end, NULL);
}

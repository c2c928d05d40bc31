/*
 * sync.c
 *		Reads that are over when they return.
 *
 * The result of a private read is kept in this process until it is asked for.
 * A read into frames has completed, and needs no name: who needs one of them
 * meanwhile waits for the frame.
 */
#include "postgres.h"

#include "io/internal.h"
#include "utils/memutils.h"

typedef struct PrivateResult
{
	ssize_t		result;
	bool		taken;
} PrivateResult;

static PrivateResult *results;
static uint32 nresults;

/* Room for one more result: before the read, as it may throw. */
static uint32
result_slot(void)
{
	uint32		i;

	for (i = 0; i < nresults; i++)
		if (results[i].taken)
			return i;
	if (results == NULL)
		results = MemoryContextAlloc(TopMemoryContext, 16 * sizeof(PrivateResult));
	else
		results = repalloc(results, (nresults + 16) * sizeof(PrivateResult));
	for (; i < nresults + 16; i++)
		results[i].taken = true;
	nresults += 16;
	return i - 16;
}

PsAioRef
ps_sync_read(const PsReadRequest *read)
{
	uint32		i;

	if (read->cookies != NULL)
	{
		ps_aio_frame_done(read->cookies, read->ncookies,
						  ps_file_read_raw(read->rnode, read->fd, read->offset, read->iov, read->niov));
		return PS_AIO_NONE;
	}

	i = result_slot();
	results[i].result = ps_file_read_raw(read->rnode, read->fd, read->offset, read->iov, read->niov);
	results[i].taken = false;
	return (PsAioRef)
	{
		PS_SYNC_REFS + i, 0
	};
}

ssize_t
ps_sync_result(PsAioRef ref)
{
	PrivateResult *kept = &results[ref.id - PS_SYNC_REFS];

	Assert(!kept->taken);
	kept->taken = true;
	return kept->result;
}

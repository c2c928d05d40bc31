/*
 * sync.c
 *		Reads and writes that are over when they return.
 *
 * The result of a private read is kept in this process until it is asked for.
 * A read into frames has completed, and needs no name: whoever needs one of
 * them meanwhile waits for the frame.
 */
#include "postgres.h"

#include "io/segment.h"
#include "io/sync.h"
#include "io/transfer.h"
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

static int
sync_read(const PsIoRequest *request)
{
	for (PsIoRead *read = request->reads; read < request->reads + request->n; read++)
	{
		bool		frames = read->cookies != NULL;
		uint32		i = frames ? 0 : result_slot();
		ssize_t		result = ps_transfer_read(request->rlocator, request->fd, ps_segment_offset(read->block),
											  read->iov, read->niov);

		if (frames)
		{
			request->frame_done(read->cookies, read->npages, result);
			read->ref = PS_AIO_NONE;
			continue;
		}
		results[i].result = result;
		results[i].taken = false;
		read->ref = (PsAioRef)
		{
			.id = i + 1,.method = request->method
		};
	}
	return request->n;
}

static bool
sync_is_over(PsAioRef ref)
{
	return true;
}

static bool
sync_is_late(PsAioRef ref)
{
	return false;
}

static ssize_t
sync_result(PsAioRef ref)
{
	PrivateResult *kept = &results[ref.id - 1];

	Assert(!kept->taken);
	kept->taken = true;
	return kept->result;
}

static void
sync_write_wait(PsIoWrite *writes, int n)
{
}

const PsIoMethod ps_sync_method = {
	.name = "sync",
	.read = sync_read,
	.done = sync_is_over,
	.wait_slice = sync_is_over,
	.is_late = sync_is_late,
	.wait = sync_result,
	.write = ps_transfer_writes,
	.write_wait = sync_write_wait
};

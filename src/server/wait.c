/*
 * wait.c
 *		What our waits are called in pg_stat_activity.
 */
#include "postgres.h"

#include "server/wait.h"
#include "utils/wait_event.h"

#if PG_VERSION_NUM >= 170000

/* A name is known to the server from its first use on. */
uint32
ps_wait_event(PsWait wait)
{
	static const char *const names[] = {
		[PS_WAIT_READ] = "PagestoreRead",
		[PS_WAIT_WRITE] = "PagestoreWrite",
		[PS_WAIT_FRAME] = "PagestoreFreeFrame",
		[PS_WAIT_SENTINEL] = "PagestoreSentinel",
		[PS_WAIT_STRAY] = "PagestoreStray",
		[PS_WAIT_WORKER] = "PagestoreWorkerMain"
	};
	static uint32 events[lengthof(names)];

	Assert(wait < lengthof(names));
	if (events[wait] == 0)
		events[wait] = WaitEventExtensionNew(names[wait]);
	return events[wait];
}

#else

uint32
ps_wait_event(PsWait wait)
{
	switch (wait)
	{
		case PS_WAIT_READ:
		case PS_WAIT_WRITE:
			return WAIT_EVENT_BUFFER_IO;	/* IPC / BufferIO */
		case PS_WAIT_FRAME:
			return PG_WAIT_BUFFER_PIN;	/* BufferPin / BufferPin: pins are in
										 * the way */
		case PS_WAIT_SENTINEL:
		case PS_WAIT_STRAY:
		case PS_WAIT_WORKER:
			break;
	}
	return PG_WAIT_EXTENSION;	/* Extension / Extension */
}

#endif

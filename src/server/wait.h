/*
 * wait.h
 *		What our waits are called in pg_stat_activity.
 *
 * From PostgreSQL 17 on an extension has wait events of its own.  Before, each
 * wait goes by that event of core's which says most of it.  Waits for LWLocks
 * are named by tranche (pool/pool.h), those for the disk are core's everywhere:
 * IO / DataFileRead, DataFileWrite, DataFileExtend, DataFileSync.
 */
#ifndef PAGESTORE_SERVER_WAIT_H
#define PAGESTORE_SERVER_WAIT_H

#include "postgres.h"

typedef enum PsWait
{
	PS_WAIT_READ,				/* for a read by another process */
	PS_WAIT_WRITE,				/* for a write by another process, or a
								 * truncation */
	PS_WAIT_FRAME,				/* for a frame: all are in use */
	PS_WAIT_SENTINEL,			/* for the sentinel's start */
	PS_WAIT_STRAY,				/* for whoever has a stray, or its page,
								 * locked */
	PS_WAIT_WORKER				/* a worker of ours has nothing to do */
} PsWait;

/* The event's number, for pgstat_report_wait_start() and what takes one.  Any process; throws nothing on 15. */
extern uint32 ps_wait_event(PsWait wait);

#endif							/* PAGESTORE_SERVER_WAIT_H */

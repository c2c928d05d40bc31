/*
 * pace.c
 *		How much of a checkpoint's pages should be on disk by now.
 *
 * While the sentinel writes, core's checkpointer waits for it and serves
 * nothing but requests to sync: no barrier, no change of settings (by which it
 * would release sessions that wait for a standby no longer named), no
 * archive_timeout.  So writing is spread only as long as nobody wants it.
 *
 * The flags of the checkpoint under way are the checkpointer's own.  But
 * whoever asks for an immediate one waits for it, and that can be seen; so does
 * a base backup, whose checkpoint is therefore not spread by us even where it
 * could be.
 */
#include "postgres.h"

#include <time.h>

#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "pool/pace.h"
#include "postmaster/bgwriter.h"
#include "postmaster/interrupt.h"
#include "storage/proc.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

/*
 * A change of settings that we have seen so long before the checkpointer
 * began, in milliseconds, may be one that it has not.
 */
#define RELOAD_MARGIN 2000

/* Of the checkpoint under way. */
static XLogRecPtr start_lsn;
static TimestampTz start_time;
static double our_share;
static bool hurry;

/* Since when the archiver has had a segment, as far as we know. */
static pg_time_t last_switch;

void
ps_pace_begin(XLogRecPtr redo, double share)
{
	Assert(share >= 0 && share <= 1);
	start_lsn = redo;
	start_time = GetCurrentTimestamp();
	our_share = share;
	hurry = false;
	last_switch = 0;
}

/* Does any process wait for the checkpointer?  A glance at what each says that it waits for. */
static bool
is_waited_for(void)
{
	for (uint32 i = 0; i < ProcGlobal->allProcCount; i++)
	{
		switch (((volatile PGPROC *) &ProcGlobal->allProcs[i])->wait_event_info)
		{
			case WAIT_EVENT_CHECKPOINT_START:
			case WAIT_EVENT_CHECKPOINT_DONE:
			case WAIT_EVENT_PROC_SIGNAL_BARRIER:
				return true;
		}
	}
	return false;
}

static bool
settings_have_changed(void)
{
	return PgReloadTime > TimestampTzPlusMilliseconds(start_time, -RELOAD_MARGIN);
}

/* By the rule of the checkpointer, which sees to it otherwise. */
static void
archive_in_time(void)
{
	pg_time_t	now = time(NULL);
	XLogRecPtr	switched;

	if (XLogArchiveTimeout <= 0 || now - last_switch < XLogArchiveTimeout)
		return;
	last_switch = Max(last_switch, GetLastSegSwitchData(&switched));
	if (now - last_switch < XLogArchiveTimeout)
		return;
	if (GetLastImportantRecPtr() > switched)
		(void) RequestXLogSwitch(true);
	last_switch = now;
}

/* The part of its whole time, or WAL, that the checkpoint has used. */
static double
elapsed(void)
{
	double		seconds = (GetCurrentTimestamp() - start_time) / 1000000.0;
	XLogRecPtr	now = Max(GetInsertRecPtr(), start_lsn);	/* it lags by a page */
	double		segments = (double) (now - start_lsn) / wal_segment_size;

	return Max(seconds / CheckPointTimeout, segments / CheckPointSegments);
}

double
ps_pace_due(void)
{
	double		whole = CheckPointCompletionTarget * our_share;
	double		used;

	hurry = hurry || is_waited_for() || settings_have_changed();
	if (hurry || ShutdownRequestPending)
		return 1;
	archive_in_time();
	used = elapsed();
	return used < whole ? used / whole : 1;
}

/*
 * workers.c
 *		The pool's two background workers: registration, set-up, recovery from errors.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "io/segment.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "pool/relcount.h"
#include "pool/workers.h"
#include "postmaster/bgworker.h"
#include "postmaster/bgworker_internals.h"
#include "postmaster/interrupt.h"
#include "server/compat.h"
#include "server/wait.h"
#include "storage/bufmgr.h"
#include "storage/condition_variable.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/smgr.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#define SENTINEL "pagestore sentinel"
#define WRITER "pagestore writer"

bool		ps_sentinel_registered = false;

static MemoryContext worker_context;

BackgroundWorker
ps_worker_of(const char *name, const char *function)
{
	BackgroundWorker worker = {0};

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	strlcpy(worker.bgw_name, name, BGW_MAXLEN);
	strlcpy(worker.bgw_type, name, BGW_MAXLEN);
	strlcpy(worker.bgw_library_name, "pagestore", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, function, BGW_MAXLEN);
	return worker;
}

/* An exit before the sentinel has announced itself is followed by another try. */
static void
register_worker(const char *name, const char *function)
{
	BackgroundWorker worker = ps_worker_of(name, function);

	worker.bgw_restart_time = 1;
	RegisterBackgroundWorker(&worker);
}

/* Core drops a worker for which there is no slot, with no more than a line in the log. */
static bool
is_registered(const char *name)
{
	ps_bgworker_iter iter;

	ps_foreach_bgworker(iter)
	{
		if (strcmp(ps_bgworker(iter)->rw_worker.bgw_name, name) == 0)
			return true;
	}
	return false;
}

void
ps_workers_register(void)
{
	register_worker(SENTINEL, "ps_sentinel_main");
	register_worker(WRITER, "ps_writer_main");

	/* every process inherits this by fork */
	ps_sentinel_registered = is_registered(SENTINEL);
	if (!ps_sentinel_registered)
		ereport(WARNING,
				(errmsg("pagestore tables will be read-only: no background worker slot is left for the \"%s\"", SENTINEL),
				 errhint("Increase max_worker_processes: pagestore needs two.")));
	else if (!is_registered(WRITER))
		ereport(WARNING,
				(errmsg("no background worker slot is left for the \"%s\"", WRITER),
				 errdetail("Sessions will write out dirty pages themselves."),
				 errhint("Increase max_worker_processes: pagestore needs two.")));
}

void
ps_worker_begin(void)
{
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	pqsignal(SIGINT, PG_SIG_IGN);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);

	worker_context = AllocSetContextCreate(TopMemoryContext, "pagestore worker",
										   ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(worker_context);
	CurrentResourceOwner = ResourceOwnerCreate(NULL, "pagestore worker");
}

/* One that has released what it had takes nothing more, from 17 on. */
static void
begin_owner_anew(void)
{
	ResourceOwner owner = CurrentResourceOwner;

	ResourceOwnerRelease(owner, RESOURCE_RELEASE_BEFORE_LOCKS, false, true);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_LOCKS, false, true);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_AFTER_LOCKS, false, true);
	CurrentResourceOwner = NULL;
	ResourceOwnerDelete(owner);
	CurrentResourceOwner = ResourceOwnerCreate(NULL, "pagestore worker");
}

void
ps_worker_recover(void)
{
	HOLD_INTERRUPTS();
	EmitErrorReport();
	LWLockReleaseAll();
	ConditionVariableCancelSleep();
	pgstat_report_wait_end();
	ps_abort_buffer_io();
	UnlockBuffers();
	begin_owner_anew();
	AtEOXact_SMgr();
	AtEOXact_Files(false);
	MemoryContextSwitchTo(worker_context);
	FlushErrorState();
	MemoryContextReset(worker_context);
	RESUME_INTERRUPTS();
}

bool
ps_worker_sleep(long milliseconds)
{
	int			events = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
								   milliseconds, ps_wait_event(PS_WAIT_WORKER));

	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	ps_file_close_stale();
	ps_relcount_flush();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
	return (events & WL_LATCH_SET) != 0;
}

/* Others may set the latch all the time: it does not end the rest. */
void
ps_worker_rest(void)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), 1000);
	long		left;

	while (!ShutdownRequestPending &&
		   (left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end)) > 0)
		(void) ps_worker_sleep(left);
}

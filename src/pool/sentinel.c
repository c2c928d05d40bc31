/*
 * sentinel.c
 *		No checkpoint completes over a frame that it should have written
 *		(doc/architecture.md, The sentinel).
 *
 * CreateCheckPoint() publishes its redo pointer, then notes the virtual
 * transaction ids of all processes with DELAY_CHKPT_START and waits, absorbing
 * sync requests, until none of them stands with that flag, and only then
 * writes and syncs.  The sentinel has the flag at all times, under a
 * transaction id that stands for a promise: "no page dirtied before `settled`
 * is still to be written or its sync to be requested".  It takes a new id,
 * which releases whoever waits for the old one, at every tick, but under
 * ProcArrayLock and only while the published redo pointer is not beyond
 * `settled`.  So a checkpoint that noted the old id has its redo pointer
 * either checked here or published afterwards, in which case it notes, under
 * the same lock, the new id.
 *
 * Every write, by whomever, requests its sync before the frame turns clean,
 * and START is held until the scan has found every older page clean: the
 * requests are there before the checkpoint takes them in.
 *
 * Processes that may dirty frames are attached (sentinel_client.c), so that at
 * shutdown the sentinel knows when the last of them has gone; it then closes
 * the pool and writes all there is.  If that fails the server stops without a
 * shutdown checkpoint, and recovers at its next start, as when core's own
 * fails.  Any other exit of the sentinel is a crash of the server, as the flag
 * of a dead process would wrongly hold back checkpoints or (cleared) release
 * them.
 */
#include "postgres.h"

#include <signal.h>
#include <unistd.h>

#include "access/xlog.h"
#include "debug/stop.h"
#include "miscadmin.h"
#include "pool/checkpoint.h"
#include "pool/sentinel.h"
#include "pool/sentinel_client.h"
#include "pool/stray.h"
#include "pool/veto.h"
#include "pool/workers.h"
#include "postmaster/interrupt.h"
#include "replication/walsender.h"
#include "replication/walsender_private.h"
#include "server/compat.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/pmsignal.h"
#include "storage/proc.h"
#include "storage/procsignal.h"
#include "storage/sinvaladt.h"
#include "utils/pidfile.h"

#define TICK_ACTIVE 10			/* milliseconds between ticks */
#define TICK_IDLE 100			/* ... when no WAL has been written for a
								 * while */
#define IDLE_AFTER 100			/* ticks without WAL */
#define TICK_FAILED 1000		/* ... after an error: core's checkpointer
								 * rests as long */

static XLogRecPtr settled;		/* the promise that our transaction id stands
								 * for */
static bool closing = false;	/* no process is attached any more: what is
								 * written now is for the shutdown checkpoint */
static bool may_exit = false;
static int	quiet_ticks = 0;	/* since WAL was written, or somebody woke us */

/*
 * When the postmaster is dead nobody will restart us, and the checkpointer,
 * should it wait for our flag, would wait for ever and keep the next server
 * from starting.  Nor can it be ended alone: it may hold a lock that others
 * need to exit.  So all end at once, as the postmaster has it after a crash.
 */
static void
end_others(void)
{
	for (uint32 i = 0; i < ProcGlobal->allProcCount; i++)
	{
		int			pid = ps_pid_of((volatile PGPROC *) &ProcGlobal->allProcs[i]);

		if (pid != 0 && pid != MyProcPid)
			kill(pid, SIGQUIT);
	}
}

static void
crash_unless_done(int code, Datum arg)
{
	if (may_exit)
		return;
	if (!PostmasterIsAlive())
		end_others();
	_exit(2);
}

/* Take up the flag; nobody can have dirtied a frame yet. */
static void
stand_watch(void)
{
	LWLockAcquire(ProcArrayLock, LW_EXCLUSIVE);
	ps_lxid(MyProc) = GetNextLocalTransactionId();
	MyProc->delayChkptFlags |= DELAY_CHKPT_START;
	LWLockRelease(ProcArrayLock);
	settled = GetRedoRecPtr();

	PS_STOP("sentinel-before-open");
	ps_sentinel_open();
}

static void
leave_watch(void)
{
	LWLockAcquire(ProcArrayLock, LW_EXCLUSIVE);
	MyProc->delayChkptFlags &= ~DELAY_CHKPT_START;
	ps_lxid(MyProc) = InvalidLocalTransactionId;
	LWLockRelease(ProcArrayLock);
}

static void
explain_failure(void *arg)
{
	if (closing)
		errcontext("while writing pages of pagestore tables; the server stops without a shutdown checkpoint");
	else
		errcontext("while writing pages of pagestore tables; a checkpoint under way fails at \"%s\", which stands for them",
				   "global/" CppAsString2(PS_VETO_RELFILENODE) "_init");
}

static void
write_everything(void)
{
	ErrorContextCallback context = {error_context_stack, explain_failure, NULL};

	error_context_stack = &context;
	ps_checkpoint_write_all();
	error_context_stack = context.previous;
}

typedef enum Outcome
{
	WRITTEN,					/* all that the checkpoint is owed */
	ON_SCHEDULE,				/* what is due by now */
	FAILED						/* not what is due; reported */
} Outcome;

static Outcome
write_owed(XLogRecPtr redo)
{
	ErrorContextCallback context = {error_context_stack, explain_failure, NULL};
	volatile Outcome outcome = FAILED;

	error_context_stack = &context;
	PG_TRY();
	{
		if (!ps_checkpoint_is_begun(redo))
			ps_checkpoint_begin(redo, ps_sentinel_writes_unlogged());
		outcome = ps_checkpoint_write_due() ? WRITTEN : ON_SCHEDULE;
	}
	PG_CATCH();
	{
		ps_worker_recover();
		ps_checkpoint_end();
	}
	PG_END_TRY();
	error_context_stack = context.previous;
	return outcome;
}

/* Let go the checkpoint that waits for our id, unless it has come later than what is settled. */
static void
renew_promise(void)
{
	LWLockAcquire(ProcArrayLock, LW_EXCLUSIVE);
	if (GetRedoRecPtr() <= settled)
		ps_lxid(MyProc) = GetNextLocalTransactionId();
	LWLockRelease(ProcArrayLock);
}

/*
 * A checkpoint waits for us.  Strays: looked for while it waits, and once more
 * before core writes them for it.  False if pages could not be written that
 * should have been.
 */
static bool
serve_checkpoint(XLogRecPtr redo)
{
	Outcome		outcome;

	if (!ps_checkpoint_is_begun(redo))
		(void) ps_stray_check_all();

	outcome = write_owed(redo);
	switch (outcome)
	{
		case ON_SCHEDULE:
			ps_stray_check_some();
			return true;
		case WRITTEN:
			if (!ps_veto_lift())
				return true;
			break;
		case FAILED:
			ps_veto_raise();
			ps_sentinel_move_insert_position();
			break;
	}
	if (ps_stray_check_all())
	{
		if (outcome == WRITTEN)
			ps_checkpoint_log();
		settled = redo;
		ps_checkpoint_end();
		renew_promise();
	}
	return outcome != FAILED;
}

/* False as above. */
static bool
tick(void)
{
	XLogRecPtr	redo = GetRedoRecPtr();

	if (redo > settled)
		return serve_checkpoint(redo);

	/* before core writes them on its own */
	ps_stray_check_some();
	renew_promise();
	return true;
}

/*
 * SIGTERM comes from the postmaster at shutdown, but anybody with the right
 * may send it: then the server would be left without us.
 */
static bool
server_is_stopping(void)
{
	FILE	   *file = AllocateFile("postmaster.pid", "r");
	char		line[MAXPGPATH];
	bool		stopping = false;

	if (file == NULL)
		return true;
	for (int i = 1; fgets(line, sizeof(line), file) != NULL; i++)
		if (i == LOCK_FILE_LINE_PM_STATUS)
			stopping = strncmp(line, PM_STATUS_STOPPING, strlen(PM_STATUS_STOPPING)) == 0;
	FreeFile(file);
	return stopping;
}

/* A SIGTERM by anybody else is forgotten; the next one may be the postmaster's. */
static bool
may_stop(void)
{
	static bool stopping = false;

	if (!stopping)
	{
		ShutdownRequestPending = false;
		if (!server_is_stopping())
		{
			ereport(LOG,
					(errmsg("pagestore sentinel goes on: it ends with the server only")));
			return false;
		}
		stopping = true;
		ShutdownRequestPending = true;
	}
	return true;
}

/*
 * The postmaster spares walsenders until the shutdown checkpoint, whose first
 * act is to tell them to stop: one that replicates then sends what is left,
 * any other ends at once.  One that has changed a page in its transaction
 * keeps us, and so that checkpoint, waiting: it is told now.  One that
 * replicates is left alone, since its transactions end by themselves.
 */
static void
end_walsenders(void)
{
	for (int i = 0; i < max_wal_senders; i++)
	{
		WalSnd	   *walsender = &WalSndCtl->walsnds[i];
		pid_t		pid;

		SpinLockAcquire(&walsender->mutex);
		pid = walsender->state == WALSNDSTATE_STARTUP ? walsender->pid : 0;
		SpinLockRelease(&walsender->mutex);
		if (pid != 0)
			(void) SendProcSignal(pid, PROCSIG_WALSND_INIT_STOPPING, INVALID_PROC_NUMBER);
	}
}

/* Milliseconds to the next tick. */
static long
nap(void)
{
	static XLogRecPtr last = InvalidXLogRecPtr;
	XLogRecPtr	now = GetXLogInsertRecPtr();

	quiet_ticks = now == last ? quiet_ticks + 1 : 0;
	last = now;
	return quiet_ticks < IDLE_AFTER || ShutdownRequestPending || ps_checkpoint_is_begun(GetRedoRecPtr()) ?
		TICK_ACTIVE : TICK_IDLE;
}

/* Until shutdown, and all is written. */
static void
keep_watch(void)
{
	while (!closing)
	{
		/*
		 * first: a tick may fail, again and again, and must not keep the
		 * server
		 */
		if (ShutdownRequestPending && may_stop())
		{
			closing = ps_sentinel_close();
			if (!closing)
				end_walsenders();
		}
		if (!closing && ps_worker_sleep(tick() ? nap() : TICK_FAILED))
		{
			PS_STOP("sentinel-woken");
			quiet_ticks = 0;
		}
	}

	while (!ps_stray_check_all())
		(void) ps_worker_sleep(TICK_ACTIVE);

	/* the shutdown checkpoint syncs what is requested here */
	write_everything();
	while (!ps_veto_lift())
		(void) ps_worker_sleep(TICK_ACTIVE);
}

void
ps_sentinel_main(Datum arg)
{
	volatile bool done = false;

	ps_worker_begin();
	ps_veto_prepare();
	before_shmem_exit(crash_unless_done, 0);
	PS_WHEN_ORPHANED(end_others);
	stand_watch();

	while (!done)
	{
		PG_TRY();
		{
			keep_watch();
			done = true;
		}
		PG_CATCH();
		{
			ps_worker_recover();

			/* no checkpoint may pass over pages that are on no disk */
			if (closing)
				_exit(2);
		}
		PG_END_TRY();
		if (!done && ShutdownRequestPending)
			(void) ps_worker_sleep(TICK_FAILED);
		else if (!done)
			ps_worker_rest();
	}

	leave_watch();
	ps_veto_end();
	may_exit = true;
	proc_exit(0);
}

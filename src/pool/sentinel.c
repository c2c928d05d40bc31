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
 * is still to be written or its sync to be requested". It takes a new id,
 * which lets go whoever waits for the old one, at every tick, but under
 * ProcArrayLock and only while the published redo pointer is not beyond
 * `settled`.  So a checkpoint that noted the old id has its redo pointer
 * either checked here or published afterwards, in which case it notes, under
 * the same lock, the new id.
 *
 * Every write, by whomever, requests its sync before the frame turns clean,
 * and START is held until the scan has found every older page clean: the
 * requests are there before the checkpoint takes them in.
 *
 * Writers attach themselves to a counter, so that at shutdown the sentinel
 * knows when the last of them has gone; it then writes all there is and closes
 * the pool.  If that fails the server stops without a shutdown checkpoint, and
 * recovers at its next start, as when core's own fails.  Any other exit of the
 * sentinel is a crash of the server, as the flag of a dead process would hold
 * back or (cleared) let go checkpoints wrongly.
 */
#include "postgres.h"

#include <signal.h>
#include <unistd.h>

#include "access/xlog.h"
#include "access/xloginsert.h"
#include "catalog/pg_control.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "pool/service.h"
#include "pool/stray.h"
#include "pool/veto.h"
#include "postmaster/interrupt.h"
#include "replication/walsender.h"
#include "replication/walsender_private.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "storage/pmsignal.h"
#include "storage/proc.h"
#include "storage/procsignal.h"
#include "storage/shmem.h"
#include "storage/sinvaladt.h"
#include "utils/pidfile.h"
#include "utils/timestamp.h"

#define TICK_ACTIVE 10			/* milliseconds between ticks */
#define TICK_IDLE 100			/* ... when no WAL has been written for a
								 * while */
#define IDLE_AFTER 100			/* ticks without WAL */
#define TICK_FAILED 1000		/* ... after an error: core's checkpointer
								 * rests as long */
#define READY_TIMEOUT 30		/* seconds a writer waits for the sentinel to
								 * start */

#define CLOSED ((uint32) 1 << 31)	/* in writers: shut down, nobody may
									 * attach */

typedef struct SentinelShared
{
	LWLock		move_lock;		/* see ps_move_lock */
	pg_atomic_uint32 ready;
	pg_atomic_uint32 writers;	/* processes that may dirty frames */
	pg_atomic_uint32 want_unlogged;
	ConditionVariable ready_cv;
} SentinelShared;

static SentinelShared *sentinel;
LWLock	   *ps_move_lock;

bool		ps_writer_attached = false;

static bool wants_unlogged = false;

Size
ps_sentinel_shmem_size(void)
{
	return sizeof(SentinelShared);
}

void
ps_sentinel_shmem_init(bool found)
{
	bool		known;

	sentinel = ShmemInitStruct("pagestore sentinel", sizeof(SentinelShared), &known);
	ps_move_lock = &sentinel->move_lock;
	if (known)
		return;
	LWLockInitialize(&sentinel->move_lock, ps_tranche(PS_TRANCHE_SENTINEL));
	pg_atomic_init_u32(&sentinel->ready, 0);
	pg_atomic_init_u32(&sentinel->writers, 0);
	pg_atomic_init_u32(&sentinel->want_unlogged, 0);
	ConditionVariableInit(&sentinel->ready_cv);
}

/* ---- the side of the writers ---- */

static void
detach_writer(void)
{
	if (ps_writer_attached)
		pg_atomic_fetch_sub_u32(&sentinel->writers, 1);
	ps_writer_attached = false;
}

/* Runs when the process's transaction and pins are gone. */
static void
at_exit(int code, Datum arg)
{
	detach_writer();
	ps_sentinel_want_unlogged(false);
}

/* Register what must happen at the exit of this process, once. */
static void
prepare_exit(void)
{
	static bool prepared = false;

	if (!prepared)
		on_shmem_exit(at_exit, 0);
	prepared = true;
}

/*
 * Each checkpoint is known by its redo pointer.  One that fails leaves no
 * record behind, so that the next one's might be the same if nobody writes WAL
 * until then.
 */
static void
move_insert_position(void)
{
	char		nothing = 0;

	XLogBeginInsert();
	XLogRegisterData(&nothing, sizeof(nothing));
	XLogSetRecordFlags(XLOG_MARK_UNIMPORTANT);
	(void) XLogInsert(RM_XLOG_ID, XLOG_NOOP);
}

/*
 * The checkpoint to be asked for must not be taken for one that has failed,
 * whose pages are written, but for unlogged ones.
 */
void
ps_sentinel_want_unlogged(bool want)
{
	if (want == wants_unlogged)
		return;
	prepare_exit();
	wants_unlogged = want;
	if (want)
	{
		pg_atomic_fetch_add_u32(&sentinel->want_unlogged, 1);
		if (!RecoveryInProgress())
			move_insert_position();
	}
	else
		pg_atomic_fetch_sub_u32(&sentinel->want_unlogged, 1);
}

/* The sentinel starts milliseconds after the server accepts connections. */
static void
wait_until_ready(void)
{
	TimestampTz give_up = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), READY_TIMEOUT * 1000);

	if (!ps_sentinel_registered)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				 errmsg("pagestore tables are read-only: no background worker slot was left for the \"pagestore sentinel\""),
				 errhint("Increase max_worker_processes (pagestore needs two) and restart the server.")));

	ConditionVariablePrepareToSleep(&sentinel->ready_cv);
	while (pg_atomic_read_u32(&sentinel->ready) == 0)
	{
		if (GetCurrentTimestamp() > give_up)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("pagestore tables cannot be changed: background worker \"pagestore sentinel\" has not started in %d seconds",
							READY_TIMEOUT),
					 errhint("The server log should say why.")));
		(void) ConditionVariableTimedSleep(&sentinel->ready_cv, 1000, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
}

/* Count this process among the writers; false if the pool is closed. */
static bool
attach_writer(void)
{
	Assert(!ps_writer_attached);
	prepare_exit();
	if (pg_atomic_fetch_add_u32(&sentinel->writers, 1) & CLOSED)
	{
		pg_atomic_fetch_sub_u32(&sentinel->writers, 1);
		return false;
	}
	ps_writer_attached = true;
	return true;
}

void
ps_sentinel_attach_writer(void)
{
	wait_until_ready();
	if (!attach_writer())
		ereport(ERROR,
				(errcode(ERRCODE_ADMIN_SHUTDOWN),
				 errmsg("the database system is shutting down")));
}

/*
 * A walsender outlives the sentinel at shutdown, which therefore waits for one
 * that writes: it does so only where it must.
 */
bool
ps_sentinel_try_attach_writer(void)
{
	return pg_atomic_read_u32(&sentinel->ready) != 0 && !am_walsender && attach_writer();
}

/*
 * A walsender outlives the sentinel at shutdown: it counts as a writer only
 * while it is in a transaction.
 */
void
ps_sentinel_at_xact_end(void)
{
	if (unlikely(am_walsender))
		detach_writer();
}

/* ---- the sentinel's own ---- */

static XLogRecPtr settled;		/* the promise that our transaction id stands
								 * for */
static bool closing = false;	/* the last writer has gone: what is written
								 * now is for the shutdown checkpoint */
static bool may_exit = false;

/*
 * When the postmaster is dead nobody will restart us, and the checkpointer,
 * should it wait for our flag, would wait for ever and keep the next server
 * from starting: end it.
 */
static void
end_checkpointer(void)
{
	Latch	   *latch = ProcGlobal->checkpointerLatch;

	if (latch != NULL && latch->owner_pid != 0)
		kill(latch->owner_pid, SIGQUIT);
}

static void
crash_unless_done(int code, Datum arg)
{
	if (may_exit)
		return;
	if (!PostmasterIsAlive())
		end_checkpointer();
	_exit(2);
}

/* Take up the flag; nobody can have dirtied a frame yet. */
static void
stand_watch(void)
{
	LWLockAcquire(ProcArrayLock, LW_EXCLUSIVE);
	MyProc->lxid = GetNextLocalTransactionId();
	MyProc->delayChkptFlags |= DELAY_CHKPT_START;
	LWLockRelease(ProcArrayLock);
	settled = GetRedoRecPtr();

	pg_atomic_exchange_u32(&sentinel->ready, 1);	/* a full barrier */
	ConditionVariableBroadcast(&sentinel->ready_cv);
}

static void
leave_watch(void)
{
	LWLockAcquire(ProcArrayLock, LW_EXCLUSIVE);
	MyProc->delayChkptFlags &= ~DELAY_CHKPT_START;
	MyProc->lxid = InvalidLocalTransactionId;
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

/* What a checkpoint owes, or everything. */
static void
write_owed(XLogRecPtr redo, bool unlogged)
{
	ErrorContextCallback context = {error_context_stack, explain_failure, NULL};

	error_context_stack = &context;
	ps_write_all(redo, unlogged, PS_WRITE_CHECKPOINT);
	error_context_stack = context.previous;
}

/* The same; false if it could not be done, which has been reported. */
static bool
try_to_write(XLogRecPtr redo, bool unlogged)
{
	volatile bool written = false;

	PG_TRY();
	{
		write_owed(redo, unlogged);
		written = true;
	}
	PG_CATCH();
	{
		ps_worker_recover();
	}
	PG_END_TRY();
	return written;
}

/* Let go the checkpoint that waits for our id, unless it has come later than what is settled. */
static void
renew_promise(void)
{
	LWLockAcquire(ProcArrayLock, LW_EXCLUSIVE);
	if (GetRedoRecPtr() <= settled)
		MyProc->lxid = GetNextLocalTransactionId();
	LWLockRelease(ProcArrayLock);
}

/* False if pages could not be written that should have been. */
static bool
tick(void)
{
	XLogRecPtr	redo = GetRedoRecPtr();
	bool		written = true;

	/* strays: before core writes them, for this checkpoint or on its own */
	if (redo <= settled)
		ps_stray_check_some();
	else
	{
		bool		put_right = ps_stray_check_all();

		/*
		 * whoever wants unlogged pages says so before asking for its
		 * checkpoint, whose redo pointer this is then
		 */
		pg_memory_barrier();
		written = try_to_write(redo, pg_atomic_read_u32(&sentinel->want_unlogged) > 0);
		if (!written)
		{
			ps_veto_raise();
			move_insert_position();
		}
		else if (!ps_veto_lift())
			return true;
		if (!put_right)
			return written;
		settled = redo;
	}
	renew_promise();
	return written;
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

/* The last writer has gone: let none in again. */
static bool
close_pool(void)
{
	uint32		writers = 0;

	return pg_atomic_compare_exchange_u32(&sentinel->writers, &writers, CLOSED) ||
		writers == CLOSED;
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
			(void) SendProcSignal(pid, PROCSIG_WALSND_INIT_STOPPING, InvalidBackendId);
	}
}

static long
pace(void)
{
	static XLogRecPtr last = InvalidXLogRecPtr;
	static int	quiet = 0;
	XLogRecPtr	now = GetXLogInsertRecPtr();

	quiet = now == last ? quiet + 1 : 0;
	last = now;
	return quiet < IDLE_AFTER || ShutdownRequestPending ? TICK_ACTIVE : TICK_IDLE;
}

/* Until shutdown, and all is written. */
static void
keep_watch(void)
{
	while (!closing)
	{
		/* first: a tick may fail, again and again, and must not keep the server */
		if (ShutdownRequestPending && may_stop())
		{
			closing = close_pool();
			if (!closing)
				end_walsenders();
		}
		if (!closing)
			ps_worker_sleep(tick() ? pace() : TICK_FAILED);
	}

	while (!ps_stray_check_all())
		ps_worker_sleep(TICK_ACTIVE);

	/* the shutdown checkpoint syncs what is requested here */
	write_owed(InvalidXLogRecPtr, true);
	while (!ps_veto_lift())
		ps_worker_sleep(TICK_ACTIVE);
}

void
ps_sentinel_main(Datum arg)
{
	volatile bool done = false;

	ps_worker_begin();
	ps_veto_prepare();
	before_shmem_exit(crash_unless_done, 0);
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
			ps_worker_sleep(TICK_FAILED);
		else if (!done)
			ps_worker_rest();
	}

	leave_watch();
	ps_veto_end();
	may_exit = true;
	proc_exit(0);
}

/*
 * sentinel_client.c
 *		What other processes ask of the sentinel.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "access/xloginsert.h"
#include "catalog/pg_control.h"
#include "miscadmin.h"
#include "pool/sentinel_client.h"
#include "pool/workers.h"
#include "port/atomics.h"
#include "replication/walsender.h"
#include "server/wait.h"
#include "storage/condition_variable.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#define READY_TIMEOUT 30		/* seconds to wait for the sentinel to start */

#define CLOSED ((uint32) 1 << 31)	/* in attached: shut down, nobody may
									 * attach */

/* Atomics, a condition variable that has a lock of its own, and what is set before `ready`. */
typedef struct SentinelShared
{
	pg_atomic_uint32 ready;
	pg_atomic_uint32 attached;	/* processes that may dirty frames */
	pg_atomic_uint32 want_unlogged;
	Latch	   *latch;			/* the sentinel's: set before it is ready; of
								 * another process once it has gone */
	ConditionVariable ready_cv;
} SentinelShared;

static SentinelShared *sentinel;

bool		ps_sentinel_attached = false;

static bool wants_unlogged = false;

Size
ps_sentinel_shmem_size(void)
{
	return sizeof(SentinelShared);
}

void
ps_sentinel_shmem_init(void)
{
	bool		found;

	sentinel = ShmemInitStruct("pagestore sentinel", sizeof(SentinelShared), &found);
	pg_atomic_init_u32(&sentinel->ready, 0);
	pg_atomic_init_u32(&sentinel->attached, 0);
	pg_atomic_init_u32(&sentinel->want_unlogged, 0);
	ConditionVariableInit(&sentinel->ready_cv);
}

/* ---- the end of a process ---- */

static void
detach(void)
{
	if (ps_sentinel_attached)
		pg_atomic_fetch_sub_u32(&sentinel->attached, 1);
	ps_sentinel_attached = false;
}

/* Runs when the process's transaction and pins are gone. */
static void
at_exit(int code, Datum arg)
{
	detach();
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

/* ---- unlogged pages ---- */

void
ps_sentinel_move_insert_position(void)
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
			ps_sentinel_move_insert_position();
		ps_sentinel_wake();
	}
	else
		pg_atomic_fetch_sub_u32(&sentinel->want_unlogged, 1);
}

/*
 * Whoever wants unlogged pages says so before asking for its checkpoint, whose
 * redo pointer the caller has read then: the barrier keeps this order.
 */
bool
ps_sentinel_writes_unlogged(void)
{
	pg_memory_barrier();
	return pg_atomic_read_u32(&sentinel->want_unlogged) > 0;
}

void
ps_sentinel_wake(void)
{
	if (pg_atomic_read_u32(&sentinel->ready) == 0)
		return;
	pg_read_barrier();			/* pairs with ps_sentinel_open() */
	SetLatch(sentinel->latch);
}

/* ---- those who may change pages ---- */

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
		(void) ConditionVariableTimedSleep(&sentinel->ready_cv, 1000, ps_wait_event(PS_WAIT_SENTINEL));
	}
	ConditionVariableCancelSleep();
}

/* Count this process; false if the pool is closed. */
static bool
attach(void)
{
	Assert(!ps_sentinel_attached);
	prepare_exit();
	if (pg_atomic_fetch_add_u32(&sentinel->attached, 1) & CLOSED)
	{
		pg_atomic_fetch_sub_u32(&sentinel->attached, 1);
		return false;
	}
	ps_sentinel_attached = true;
	return true;
}

void
ps_sentinel_attach(void)
{
	wait_until_ready();
	if (!attach())
		ereport(ERROR,
				(errcode(ERRCODE_ADMIN_SHUTDOWN),
				 errmsg("the database system is shutting down")));
}

/*
 * A walsender outlives the sentinel at shutdown, which therefore waits for one
 * that is attached: it attaches only where it must, and detaches at the end of
 * its transaction.
 */
bool
ps_sentinel_try_attach(void)
{
	return pg_atomic_read_u32(&sentinel->ready) != 0 && !am_walsender && attach();
}

void
ps_sentinel_at_xact_end(void)
{
	if (unlikely(am_walsender))
		detach();
}

/* ---- for the sentinel ---- */

void
ps_sentinel_open(void)
{
	sentinel->latch = MyLatch;
	pg_atomic_exchange_u32(&sentinel->ready, 1);
	ConditionVariableBroadcast(&sentinel->ready_cv);
}

bool
ps_sentinel_close(void)
{
	uint32		attached = 0;

	return pg_atomic_compare_exchange_u32(&sentinel->attached, &attached, CLOSED) ||
		attached == CLOSED;
}

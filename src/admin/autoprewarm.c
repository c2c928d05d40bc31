/*
 * autoprewarm.c
 *		Warm restart: pages that were in the pool are read back after a start.
 *
 * A worker without a database, the leader, writes the list of what is in the
 * pool now and then and at shutdown.  After a start, also one after a crash,
 * it has the pages of the list read by a worker for each database, one after
 * the other (read_back.c).  Relations can be found and locked only from within
 * their database.
 *
 * While the pages are read back the list stays as it is, also if the server is
 * stopped: it would only get shorter.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "access/xact.h"
#include "admin/autoprewarm.h"
#include "admin/read_back.h"
#include "admin/resident.h"
#include "admin/row.h"
#include "catalog/pg_database.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "pool/pool.h"
#include "pool/workers.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "server/preload.h"
#include "server/wait.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/procsignal.h"
#include "storage/shmem.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/relcache.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

PG_FUNCTION_INFO_V1(pagestore_prewarm_progress);

extern PGDLLEXPORT void ps_autoprewarm_main(Datum arg);
extern PGDLLEXPORT void ps_autoprewarm_database_main(Datum database);

#define LEAVE_MS 5000			/* a command waits so long for a worker to
								 * leave, ... */
#define LOOK_MS 10				/* looking now and then */

bool		ps_autoprewarm = true;
int			ps_autoprewarm_interval = 300;

typedef enum Phase
{
	WAITING,					/* the leader has not begun yet */
	READING,
	DONE
} Phase;

typedef struct Shared
{
	pg_atomic_uint32 phase;		/* written by the leader; once it is past
								 * WAITING no other leader reads back */
	pg_atomic_uint64 nlisted;	/* pages of the list */
	pg_atomic_uint64 nread;		/* pages of it in the pool */
	pg_atomic_uint32 database;	/* to be read back now; InvalidOid: it is to
								 * be left, or none is */
	pg_atomic_uint32 occupied;	/* database that a worker is in; written by
								 * the leader */
} Shared;

static Shared *shared;

Size
ps_autoprewarm_shmem_size(void)
{
	return MAXALIGN(sizeof(Shared));
}

void
ps_autoprewarm_shmem_init(void)
{
	bool		found;

	shared = ShmemInitStruct("pagestore autoprewarm", sizeof(Shared), &found);
	if (found)
		return;
	pg_atomic_init_u32(&shared->phase, WAITING);
	pg_atomic_init_u64(&shared->nlisted, 0);
	pg_atomic_init_u64(&shared->nread, 0);
	pg_atomic_init_u32(&shared->database, InvalidOid);
	pg_atomic_init_u32(&shared->occupied, InvalidOid);
}

void
ps_autoprewarm_leave(Oid database)
{
	uint32		expected = database;

	if (!OidIsValid(database))
		return;
	(void) pg_atomic_compare_exchange_u32(&shared->database, &expected, InvalidOid);
	for (int i = 0; i < LEAVE_MS / LOOK_MS && pg_atomic_read_u32(&shared->occupied) == database; i++)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, LOOK_MS,
						 WAIT_EVENT_BGWORKER_SHUTDOWN);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

/* ---- workers ---- */

void
ps_autoprewarm_register(void)
{
	BackgroundWorker leader = ps_worker_of("pagestore prewarm leader", "ps_autoprewarm_main");

	if (!ps_autoprewarm)
		return;
	leader.bgw_restart_time = 10;
	RegisterBackgroundWorker(&leader);
}

/* False: there is no worker for it. */
static bool
run_database_worker(Oid database)
{
	BackgroundWorker w = ps_worker_of("pagestore prewarm worker", "ps_autoprewarm_database_main");
	BackgroundWorkerHandle *handle;
	bool		registered;

	w.bgw_restart_time = BGW_NEVER_RESTART;
	w.bgw_main_arg = ObjectIdGetDatum(database);
	w.bgw_notify_pid = MyProcPid;
	pg_atomic_write_u32(&shared->occupied, database);
	pg_atomic_write_u32(&shared->database, database);
	registered = RegisterDynamicBackgroundWorker(&w, &handle);
	if (registered)
	{
		(void) WaitForBackgroundWorkerShutdown(handle);
		pfree(handle);
	}
	else
		ereport(LOG,
				(errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				 errmsg("no background worker slot is left to read pages back into the pool"),
				 errhint("Increase max_worker_processes.")));
	pg_atomic_write_u32(&shared->database, InvalidOid);
	pg_atomic_write_u32(&shared->occupied, InvalidOid);
	return registered;
}

void
ps_autoprewarm_database_main(Datum database)
{
	PsResident	resident;

	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(DatumGetObjectId(database), InvalidOid, BGWORKER_BYPASS_ALLOWCONN);

	MemoryContextSwitchTo(TopMemoryContext);
	if (ps_resident_read(&resident))
		ps_prewarm_read_back(&resident, &shared->nread, &shared->database);
}

/* ---- the leader ---- */

/* Found as core finds it that is not in a database either. */
static bool
database_exists(Oid database)
{
	Relation	rel;
	ScanKeyData key;
	SysScanDesc scan;
	bool		exists;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	rel = table_open(DatabaseRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_database_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(database));
	scan = systable_beginscan(rel, DatabaseOidIndexId, criticalSharedRelcachesBuilt, NULL, 1, &key);
	exists = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	CommitTransactionCommand();
	return exists;
}

static void
read_databases(const PsResident *resident)
{
	Oid			database = InvalidOid;

	for (uint32 i = 0; i < resident->nruns; i++)
	{
		if (resident->runs[i].rlocator.dbOid == database)
			continue;
		database = resident->runs[i].rlocator.dbOid;
		if (ShutdownRequestPending || ps_frames_free() == 0)
			return;
		if (database_exists(database) && !run_database_worker(database))
			return;
	}
}

/* False: the server is stopping, and has not all of them back. */
static bool
read_back(MemoryContext context)
{
	PsResident	resident;

	pg_atomic_write_u32(&shared->phase, READING);
	MemoryContextSwitchTo(context);
	if (ps_resident_read(&resident))
	{
		pg_atomic_write_u64(&shared->nlisted, resident.npages);
		read_databases(&resident);
		MemoryContextSwitchTo(context);
		ps_resident_free(&resident);
		if (ShutdownRequestPending)
			return false;
		ereport(LOG,
				(errmsg("pagestore: %llu of %llu pages that were in the pool are there again",
						(unsigned long long) pg_atomic_read_u64(&shared->nread),
						(unsigned long long) pg_atomic_read_u64(&shared->nlisted))));
	}
	pg_atomic_write_u32(&shared->phase, DONE);
	return true;
}

static void
write_list(void)
{
	PsResident	resident = ps_resident_collect();

	(void) ps_resident_write(&resident);
	ps_resident_free(&resident);
}

/* Until it is time to write the list, or to end, or settings may have changed. */
static void
rest(TimestampTz written)
{
	long		milliseconds = -1;
	int			events = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH;

	if (ps_autoprewarm_interval > 0)
	{
		milliseconds = TimestampDifferenceMilliseconds(GetCurrentTimestamp(),
													   TimestampTzPlusMilliseconds(written, ps_autoprewarm_interval * INT64CONST(1000)));
		events |= WL_TIMEOUT;
	}
	(void) WaitLatch(MyLatch, events, milliseconds, ps_wait_event(PS_WAIT_WORKER));
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

void
ps_autoprewarm_main(Datum arg)
{
	MemoryContext context;
	TimestampTz written;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	context = AllocSetContextCreate(TopMemoryContext, "pagestore prewarm", ALLOCSET_DEFAULT_SIZES);

	if (pg_atomic_read_u32(&shared->phase) == WAITING && !read_back(context))
		return;
	pg_atomic_write_u32(&shared->phase, DONE);

	MemoryContextSwitchTo(context);
	written = GetCurrentTimestamp();
	while (!ShutdownRequestPending)
	{
		rest(written);
		if (!ShutdownRequestPending && ps_autoprewarm_interval > 0 &&
			TimestampDifferenceExceeds(written, GetCurrentTimestamp(), ps_autoprewarm_interval * 1000))
		{
			write_list();
			written = GetCurrentTimestamp();
		}
	}
	write_list();
}

/* ---- what people see ---- */

/* SQL: pagestore_prewarm_progress() returns record */
Datum
pagestore_prewarm_progress(PG_FUNCTION_ARGS)
{
	static const char *const phases[] = {"waiting", "reading", "done"};
	TupleDesc	desc;
	Datum		values[3];
	bool		nulls[3] = {0};

	ps_require_preloaded();
	desc = ps_result_row(fcinfo, lengthof(values));
	values[0] = CStringGetTextDatum(ps_autoprewarm ? phases[pg_atomic_read_u32(&shared->phase)] : "off");
	values[1] = Int64GetDatum(pg_atomic_read_u64(&shared->nlisted));
	values[2] = Int64GetDatum(pg_atomic_read_u64(&shared->nread));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}

/*
 * behind.c
 *		A library that knows only heap: what t/065_behind.pl builds and loads.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/hio.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/bufmgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#if PG_VERSION_NUM >= 170000
#include "storage/read_stream.h"
#endif

#if PG_VERSION_NUM >= 190000
#define OPTIONS , 0
#define CHANGING_PARTITION
#else
#define OPTIONS
#define CHANGING_PARTITION , false
#endif

#if PG_VERSION_NUM >= 160000
#define UPDATE_INDEXES , &update_indexes
#define NUM_PAGES , 1
#else
#define UPDATE_INDEXES
#define NUM_PAGES
#endif

PG_MODULE_MAGIC;

PG_FUNCTION_INFO_V1(behind);
PG_FUNCTION_INFO_V1(behind_worker);

extern PGDLLEXPORT void behind_worker_main(Datum arg);

/* An address in data: another kind of slot than that of a call. */
static void (*volatile insert_by_pointer) (Relation rel, HeapTuple tuple) = simple_heap_insert;

/* Beside it, and written to at each call: it must stay so. */
static volatile int calls = 1;

/* A row of one int column. */
static HeapTuple
new_row(Relation rel)
{
	Datum		value = Int32GetDatum(1000);
	bool		isnull = false;

	return heap_form_tuple(RelationGetDescr(rel), &value, &isnull);
}

#if PG_VERSION_NUM >= 170000
static BlockNumber
first_block(ReadStream *stream, void *next, void *buffer_data)
{
	return (*(BlockNumber *) next)++ == 0 ? 0 : InvalidBlockNumber;
}
#endif

/* SQL: behind(regclass, text): does one thing to the table, or to its row (0,1) */
Datum
behind(PG_FUNCTION_ARGS)
{
	Relation	rel = table_open(PG_GETARG_OID(0), RowExclusiveLock);
	char	   *what = text_to_cstring(PG_GETARG_TEXT_PP(1));
	HeapTuple	tuple = new_row(rel);
	CommandId	cid = GetCurrentCommandId(true);
	ItemPointerData tid;
	TM_FailureData tmfd;
	LockTupleMode mode;
#if PG_VERSION_NUM >= 160000
	TU_UpdateIndexes update_indexes;
#endif
	Buffer		buffer = InvalidBuffer;
	Buffer		map = InvalidBuffer;

	calls++;
	ItemPointerSet(&tid, 0, 1);
	tuple->t_self = tid;
	if (strcmp(what, "heap_insert") == 0)
		heap_insert(rel, tuple, cid, 0, NULL);
	else if (strcmp(what, "heap_multi_insert") == 0)
	{
		TupleTableSlot *slot = MakeSingleTupleTableSlot(RelationGetDescr(rel), &TTSOpsHeapTuple);

		ExecStoreHeapTuple(tuple, slot, false);
		heap_multi_insert(rel, &slot, 1, cid, 0, NULL);
		ExecDropSingleTupleTableSlot(slot);
	}
	else if (strcmp(what, "heap_delete") == 0)
		heap_delete(rel, &tid, cid OPTIONS, InvalidSnapshot, true, &tmfd CHANGING_PARTITION);
	else if (strcmp(what, "heap_update") == 0)
		heap_update(rel, &tid, tuple, cid OPTIONS, InvalidSnapshot, true, &tmfd, &mode UPDATE_INDEXES);
	else if (strcmp(what, "heap_lock_tuple") == 0)
		heap_lock_tuple(rel, tuple, cid, LockTupleExclusive, LockWaitBlock, false, &buffer, &tmfd);
	else if (strcmp(what, "simple_heap_insert") == 0)
		insert_by_pointer(rel, tuple);
	else if (strcmp(what, "simple_heap_delete") == 0)
		simple_heap_delete(rel, &tid);
	else if (strcmp(what, "simple_heap_update") == 0)
		simple_heap_update(rel, &tid, tuple UPDATE_INDEXES);
	else if (strcmp(what, "CatalogTupleInsert") == 0)
		CatalogTupleInsert(rel, tuple);
	else if (strcmp(what, "CatalogTupleUpdate") == 0)
		CatalogTupleUpdate(rel, &tid, tuple);
	else if (strcmp(what, "CatalogTupleDelete") == 0)
		CatalogTupleDelete(rel, &tid);
	else if (strcmp(what, "RelationGetBufferForTuple") == 0)
	{
		buffer = RelationGetBufferForTuple(rel, tuple->t_len, InvalidBuffer, 0, NULL, &map, NULL NUM_PAGES);
		LockBuffer(buffer, BUFFER_LOCK_UNLOCK);
	}
	else if (strcmp(what, "heap_fetch") == 0)
		heap_fetch(rel, GetActiveSnapshot(), tuple, &buffer, false);
	else if (strcmp(what, "ReadBuffer") == 0)
		buffer = ReadBuffer(rel, 0);
	else if (strcmp(what, "ReadBufferExtended") == 0)
		buffer = ReadBufferExtended(rel, MAIN_FORKNUM, 0, RBM_NORMAL, NULL);
	else if (strcmp(what, "ReleaseAndReadBuffer") == 0)
		buffer = ReleaseAndReadBuffer(InvalidBuffer, rel, 0);
#if PG_VERSION_NUM >= 170000
	else if (strcmp(what, "read_stream_begin_relation") == 0)
	{
		BlockNumber next = 0;
		ReadStream *stream = read_stream_begin_relation(READ_STREAM_FULL, NULL, rel, MAIN_FORKNUM, first_block, &next, 0);

		buffer = read_stream_next_buffer(stream, NULL);
		read_stream_end(stream);
	}
	else if (strcmp(what, "ExtendBufferedRel") == 0)
		buffer = ExtendBufferedRel(BMR_REL(rel), MAIN_FORKNUM, NULL, 0);
	else if (strcmp(what, "ExtendBufferedRelBy") == 0)
	{
		uint32		added;

		(void) ExtendBufferedRelBy(BMR_REL(rel), MAIN_FORKNUM, NULL, 0, 1, &buffer, &added);
	}
	else if (strcmp(what, "ExtendBufferedRelTo") == 0)
		buffer = ExtendBufferedRelTo(BMR_REL(rel), MAIN_FORKNUM, NULL, 0, RelationGetNumberOfBlocks(rel) + 1, RBM_NORMAL);
#endif
	else if (strcmp(what, "map") == 0)
		buffer = ReadBufferExtended(rel, VISIBILITYMAP_FORKNUM, 0, RBM_ZERO_ON_ERROR, NULL);
	else
		elog(ERROR, "unknown: %s", what);
	if (BufferIsValid(buffer))
		ReleaseBuffer(buffer);
	if (BufferIsValid(map))
		ReleaseBuffer(map);
	table_close(rel, RowExclusiveLock);
	PG_RETURN_VOID();
}

/* The worker runs one statement, which need not do anything wrong. */
void
behind_worker_main(Datum arg)
{
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection("postgres", NULL, 0);
	StartTransactionCommand();
	SPI_connect();
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_execute(MyBgworkerEntry->bgw_extra, false, 0);
	SPI_finish();
	PopActiveSnapshot();
	CommitTransactionCommand();
}

/* SQL: behind_worker(library text, statement text): run it in a worker of that library, until its end */
Datum
behind_worker(PG_FUNCTION_ARGS)
{
	BackgroundWorker worker = {0};
	BackgroundWorkerHandle *handle;

	strlcpy(worker.bgw_name, "behind", BGW_MAXLEN);
	strlcpy(worker.bgw_library_name, text_to_cstring(PG_GETARG_TEXT_PP(0)), BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "behind_worker_main", BGW_MAXLEN);
	strlcpy(worker.bgw_extra, text_to_cstring(PG_GETARG_TEXT_PP(1)), BGW_EXTRALEN);
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_notify_pid = MyProcPid;
	if (!RegisterDynamicBackgroundWorker(&worker, &handle))
		elog(ERROR, "no place for a worker");
	if (WaitForBackgroundWorkerShutdown(handle) != BGWH_STOPPED)
		elog(ERROR, "the worker is lost");
	PG_RETURN_VOID();
}

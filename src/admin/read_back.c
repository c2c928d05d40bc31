/*
 * read_back.c
 *		Read pages of one database back into the pool.
 *
 * By a stream, which has many reads in flight.  Others go first: a relation is
 * locked for some pages at a time, and left alone once somebody has locked it,
 * or waits to.
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/xact.h"
#include "admin/progress.h"
#include "admin/read_back.h"
#include "am/am.h"
#include "debug/stop.h"
#include "miscadmin.h"
#include "page/storage.h"
#include "page/stream.h"
#include "pool/pool.h"
#include "server/compat.h"
#include "storage/lmgr.h"

#define PAGES_AT_A_TIME 512

/* The next page of a relation's runs. */
typedef struct Place
{
	const PsResidentRun *run;
	uint32		i;				/* of the run's pages */
} Place;

typedef struct Reading
{
	const PsResidentRun *end;	/* of the relation's runs */
	BlockNumber nblocks;
	Place		named;			/* to the stream */
	Place		read;			/* handed out by it */
	uint32		nnamed;
	uint32		nahead;			/* named and not handed out */
	int64		nlisted;		/* pages of the relation's runs */
	int64		ndone;			/* of them read */
	pg_atomic_uint64 *nread;
	pg_atomic_uint32 *database; /* that is wanted read */
} Reading;

static inline bool
is_to_leave(const Reading *reading)
{
	return pg_atomic_read_u32(reading->database) != MyDatabaseId;
}

static BlockNumber
next_of(Reading *reading, Place *place)
{
	while (place->run < reading->end)
	{
		if (place->i < place->run->n && place->run->first + place->i < reading->nblocks)
			return place->run->first + place->i++;
		place->run++;
		place->i = 0;
	}
	return InvalidBlockNumber;
}

/* Some pages, and a frame for each that is named: the stream takes none from a page. */
static BlockNumber
next_page(void *arg)
{
	Reading    *reading = arg;
	BlockNumber block;

	if (reading->nnamed == PAGES_AT_A_TIME || ps_frames_free() <= reading->nahead || is_to_leave(reading))
		return InvalidBlockNumber;
	block = next_of(reading, &reading->named);
	if (BlockNumberIsValid(block))
	{
		reading->nnamed++;
		reading->nahead++;
	}
	return block;
}

/* Without waiting: NULL if it is gone, not the pool's, or locked. */
static Relation
open_at_once(RelFileLocator rlocator)
{
	Oid			relid = RelidByRelfilenumber(rlocator.spcOid, rlocator.relNumber);
	Relation	rel;

	if (!OidIsValid(relid) || !ConditionalLockRelationOid(relid, AccessShareLock))
		return NULL;
	rel = try_relation_open(relid, NoLock);
	if (rel == NULL)
		return NULL;
	if (RELKIND_HAS_TABLE_AM(rel->rd_rel->relkind) && ps_is_pagestore(rel) &&
		RelFileLocatorEquals(rel->rd_locator, rlocator) && ps_origin(rel) == PS_POOL)
		return rel;
	relation_close(rel, NoLock);
	return NULL;
}

/* As far as frames are free, and up to a number of pages.  False: there is nothing to read. */
static bool
read_pages(Relation rel, Reading *reading)
{
	PsStream   *stream;
	PsPin		pin = PS_NO_PIN;

	reading->named = reading->read;
	reading->nnamed = reading->nahead = 0;
	stream = ps_stream_begin(rel, next_page, reading, 0);
	while (ps_stream_next(stream, &pin))
	{
		(void) next_of(reading, &reading->read);
		reading->nahead--;
		ps_progress_set(PS_PREWARM_BLOCKS_DONE, ++reading->ndone);
		pg_atomic_fetch_add_u64(reading->nread, 1);
		PS_STOP("read-back-page");
	}
	ps_stream_end(stream);
	return reading->nnamed > 0;
}

/*
 * In a transaction.  When this returns, normally or not, reading->read is where
 * it has come to.  A stream that is short of frames stops while pages that it
 * has named take theirs: then there may be some for another one.
 */
static bool
read_relation(RelFileLocator rlocator, Reading *reading)
{
	Relation	rel = open_at_once(rlocator);
	bool		more = rel != NULL;

	if (rel != NULL)
	{
		reading->nblocks = ps_nblocks(rel);
		ps_progress_begin(PS_COMMAND_PREWARM, RelationGetRelid(rel));
		ps_progress_set(PS_PREWARM_BLOCKS_TOTAL, reading->nlisted);
		ps_progress_set(PS_PREWARM_BLOCKS_DONE, reading->ndone);
		more = read_pages(rel, reading);
		ps_progress_end();
		relation_close(rel, NoLock);
	}
	return more && ps_frames_free() > 0;
}

/* The same; an error goes to the log, and the page that had it is passed over.  True: there may be more to read. */
static bool
try_relation(RelFileLocator rlocator, Reading *reading)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool more = false;

	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PG_TRY();
	{
		more = read_relation(rlocator, reading);
		CommitTransactionCommand();
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		EmitErrorReport();
		FlushErrorState();
		AbortCurrentTransaction();
		more = BlockNumberIsValid(next_of(reading, &reading->read));
		RESUME_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	return more;
}

void
ps_prewarm_read_back(const PsResident *resident, pg_atomic_uint64 *nread, pg_atomic_uint32 *database)
{
	const PsResidentRun *end = resident->runs + resident->nruns;
	const PsResidentRun *run = resident->runs;

	while (run < end && ps_frames_free() > 0)
	{
		Reading		reading = {.read = {run, 0},.nread = nread,.database = database};

		CHECK_FOR_INTERRUPTS();
		reading.end = run + 1;
		while (reading.end < end && RelFileLocatorEquals(reading.end->rlocator, run->rlocator))
			reading.end++;
		for (const PsResidentRun *r = run; r < reading.end; r++)
			reading.nlisted += r->n;
		while (run->rlocator.dbOid == MyDatabaseId && !is_to_leave(&reading) &&
			   try_relation(run->rlocator, &reading))
			;
		run = reading.end;
	}
}

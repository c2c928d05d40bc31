/*
 * ddl.c
 *		Files of a relation: creation, truncation, copying, size.
 */
#include "postgres.h"

#include "access/heaptoast.h"
#include "access/multixact.h"
#include "access/toast_internals.h"
#include "access/transam.h"
#include "am/am.h"
#include "am/analyze_blocks.h"
#include "am/ddl.h"
#include "catalog/pg_am_d.h"
#include "catalog/storage.h"
#include "catalog/storage_xlog.h"
#include "page/storage.h"
#include "server/compat.h"
#include "storage/smgr.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* Per-tuple and per-page overhead, as the planner's estimate for heap counts them. */
#define OVERHEAD_BYTES_PER_TUPLE (MAXALIGN(SizeofHeapTupleHeader) + sizeof(ItemIdData))
#define USABLE_BYTES_PER_PAGE (BLCKSZ - SizeOfPageHeaderData)

/*
 * Make the storage of a new relfilenode.  An unlogged relation gets its
 * init fork here, WAL-logged and synced at once: after a crash core copies it
 * over the main fork.
 */
void
ps_set_new_filelocator(Relation rel, const RelFileLocator *newrlocator, char persistence,
					   TransactionId *freezeXid, MultiXactId *minmulti)
{
	SMgrRelation smgr;

	if (rel->rd_createSubid != InvalidSubTransactionId)
		ps_am_lock(rel->rd_rel->relam);

	*freezeXid = RecentXmin;
	*minmulti = GetOldestMultiXactId();

	/*
	 * in this order: what fails after is forgotten when the file goes, with
	 * the transaction
	 */
	smgr = RelationCreateStorage(*newrlocator, persistence, true);
	if (persistence != RELPERSISTENCE_TEMP)
		ps_storage_created(*newrlocator);

	if (persistence == RELPERSISTENCE_UNLOGGED)
	{
		smgrcreate(smgr, INIT_FORKNUM, false);
		log_smgrcreate(newrlocator, INIT_FORKNUM);
		smgrimmedsync(smgr, INIT_FORKNUM);
	}
	smgrclose(smgr);
}

void
ps_nontransactional_truncate(Relation rel)
{
	ps_truncate(rel, 0);
}

/*
 * Copy all forks to a new relfilenode (another tablespace).  The source is
 * brought up to date on disk first, whichever side owns it;
 * AccessExclusiveLock keeps it so.
 */
void
ps_copy_data(Relation rel, const RelFileLocator *newrlocator)
{
	char		persistence = rel->rd_rel->relpersistence;
	SMgrRelation dst;

	ps_flush(rel);

	dst = RelationCreateStorage(*newrlocator, persistence, true);
	if (!RelationUsesLocalBuffers(rel))
		ps_storage_created(*newrlocator);
	RelationCopyStorage(RelationGetSmgr(rel), dst, MAIN_FORKNUM, persistence);
	for (ForkNumber fork = MAIN_FORKNUM + 1; fork <= MAX_FORKNUM; fork++)
	{
		if (!smgrexists(RelationGetSmgr(rel), fork))
			continue;
		smgrcreate(dst, fork, false);

		/* An init fork is logged even for an unlogged relation. */
		if (RelationIsPermanent(rel) ||
			(persistence == RELPERSISTENCE_UNLOGGED && fork == INIT_FORKNUM))
			log_smgrcreate(newrlocator, fork);
		RelationCopyStorage(RelationGetSmgr(rel), dst, fork, persistence);
	}
	RelationDropStorage(rel);
	smgrclose(dst);
}

uint64
ps_relation_size(Relation rel, ForkNumber forkNumber)
{
	uint64		size = table_block_relation_size(rel, forkNumber);

	if (forkNumber == MAIN_FORKNUM)
		ps_analyze_sized(rel, size / BLCKSZ);
	return size;
}

void
ps_estimate_size(Relation rel, int32 *attr_widths, BlockNumber *pages,
				 double *tuples, double *allvisfrac)
{
	table_block_relation_estimate_size(rel, attr_widths, pages, tuples, allvisfrac,
									   OVERHEAD_BYTES_PER_TUPLE,
									   USABLE_BYTES_PER_PAGE);
}

/* Could a row of this table be too long for a page?  Then it wants a TOAST table. */
bool
ps_needs_toast_table(Relation rel)
{
	TupleDesc	desc = rel->rd_att;
	int32		length = 0;
	bool		unlimited = false;
	bool		toastable = false;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		if (att->attisdropped)
			continue;
		length = att_align_nominal(length, att->attalign);
		if (att->attlen > 0)
		{
			length += att->attlen;
			continue;
		}

		/* -1 from type_maximum_size: no bound */
		if (type_maximum_size(att->atttypid, att->atttypmod) < 0)
			unlimited = true;
		else
			length += type_maximum_size(att->atttypid, att->atttypmod);
		if (att->attstorage != TYPSTORAGE_PLAIN)
			toastable = true;
	}

	if (!toastable)
		return false;
	if (unlimited)
		return true;
	return MAXALIGN(SizeofHeapTupleHeader + BITMAPLEN(desc->natts)) + MAXALIGN(length) >
		TOAST_TUPLE_THRESHOLD;
}

/* TOAST tables are heap's: toast_save_datum() calls heap_insert() by name. */
Oid
ps_toast_am(Relation rel)
{
	return HEAP_TABLE_AM_OID;
}

/*
 * table_stats.c
 *		pg_stat_pagestore_tables: what of each table is in the pool, and what has
 *		been done to bring it there.
 *
 * The frames in use are looked at once, without locks, and so is pg_class.  No
 * table is opened or locked: the size is that of its files, so that nobody who
 * holds a table makes a monitor wait.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "admin/row.h"
#include "am/am.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_class.h"
#include "io/segment.h"
#include "miscadmin.h"
#include "pool/frame.h"
#include "pool/registry.h"
#include "server/compat.h"
#include "server/preload.h"
#include "utils/hsearch.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(pagestore_stat_tables);

#define COLUMNS 8

/* What the pool has of a relation. */
typedef struct Share
{
	RelFileLocator rlocator;
	int64		resident;
	int64		dirty;
} Share;

/* Of this database's relations. */
static HTAB *
look_at_frames(void)
{
	HASHCTL		ctl = {.keysize = sizeof(RelFileLocator),.entrysize = sizeof(Share),.hcxt = CurrentMemoryContext};
	HTAB	   *shares = hash_create("pagestore tables in the pool", 256, &ctl, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	Share	   *share = NULL;

	for (PsFrame frame = 0; frame < ps_frames_used(); frame++)
	{
		uint32		state;
		PsTag		tag;
		bool		found;

		CHECK_FOR_INTERRUPTS();
		if (!ps_frame_glance(frame, &state, &tag) || tag.rlocator.dbOid != MyDatabaseId)
			continue;

		/* neighbours are often of one relation */
		if (share == NULL || !RelFileLocatorEquals(share->rlocator, tag.rlocator))
		{
			share = hash_search(shares, &tag.rlocator, HASH_ENTER, &found);
			if (!found)
				share->resident = share->dirty = 0;
		}
		share->resident++;
		if (state & PS_DIRTY)
			share->dirty++;
	}
	return shares;
}

static void
add_table(ReturnSetInfo *rsinfo, HTAB *shares, const FormData_pg_class *class)
{
	RelFileLocator rlocator = {
		.spcOid = OidIsValid(class->reltablespace) ? class->reltablespace : MyDatabaseTableSpace,
		.dbOid = MyDatabaseId,
		.relNumber = class->relfilenode
	};
	const Share *share = hash_search(shares, &rlocator, HASH_FIND, NULL);
	BlockNumber blocks = 0;
	bool		has_files = ps_segments_size(rlocator, &blocks);
	uint64		counts[PS_NRELCOUNTERS];
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {0};
	int			n = 0;

	ps_registry_counts(rlocator, counts);
	values[n++] = ObjectIdGetDatum(class->oid);
	nulls[n] = !has_files;
	values[n++] = Int64GetDatum(blocks);
	values[n++] = Int64GetDatum(share ? share->resident : 0);
	values[n++] = Int64GetDatum(share ? share->dirty : 0);
	values[n++] = Int64GetDatum(counts[PS_REL_READ_AHEAD]);
	values[n++] = Int64GetDatum(counts[PS_REL_AHEAD_WASTED]);
	values[n++] = Int64GetDatum(counts[PS_REL_AROUND]);
	values[n++] = Int64GetDatum(counts[PS_REL_EVICTIONS]);
	Assert(n == COLUMNS);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/* Temporary tables never come into the pool. */
static bool
may_be_in_pool(const FormData_pg_class *class)
{
	return (class->relkind == RELKIND_RELATION || class->relkind == RELKIND_MATVIEW) &&
		class->relpersistence != RELPERSISTENCE_TEMP &&
		class->relam != HEAP_TABLE_AM_OID && OidIsValid(class->relam);
}

/* SQL: pagestore_stat_tables() returns setof record, a row for each pagestore table of this database */
Datum
pagestore_stat_tables(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo;
	HTAB	   *shares;
	Relation	pg_class;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			ours = InvalidOid;	/* the last access method found to be */

	ps_require_preloaded();
	rsinfo = ps_result_rows(fcinfo, COLUMNS);
	shares = look_at_frames();
	pg_class = table_open(RelationRelationId, AccessShareLock);
	scan = systable_beginscan(pg_class, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		const FormData_pg_class *class = (Form_pg_class) GETSTRUCT(tuple);

		CHECK_FOR_INTERRUPTS();
		if (!may_be_in_pool(class))
			continue;
		if (class->relam != ours && ps_is_pagestore_am(class->relam))
			ours = class->relam;
		if (class->relam == ours)
			add_table(rsinfo, shares, class);
	}
	systable_endscan(scan);
	table_close(pg_class, AccessShareLock);
	hash_destroy(shares);
	return (Datum) 0;
}

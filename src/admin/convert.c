/*
 * convert.c
 *		Change a table between heap and pagestore in place.
 *
 * Both keep the same pages, so that only the catalog and the owner of the
 * pages change: no row is copied, whatever the size of the table.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "am/am.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "pool/pool.h"
#include "preload.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(pagestore_convert);

static void
check_convertible(Relation rel)
{
	if (!pg_class_ownercheck(RelationGetRelid(rel), GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(rel->rd_rel->relkind),
					   RelationGetRelationName(rel));
	if (rel->rd_rel->relkind != RELKIND_RELATION && rel->rd_rel->relkind != RELKIND_MATVIEW)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table or materialized view",
						RelationGetRelationName(rel))));
	if (IsSystemRelation(rel))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied: \"%s\" is a system catalog",
						RelationGetRelationName(rel))));
	if (RELATION_IS_OTHER_TEMP(rel))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot convert temporary tables of other sessions")));
	CheckTableNotInUse(rel, "pagestore_convert");
}

/* Is this access method ours, by whatever name it was created? */
static bool
is_pagestore_am(Oid amoid)
{
	HeapTuple	tuple = SearchSysCache1(AMOID, ObjectIdGetDatum(amoid));
	Oid			handler;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for access method %u", amoid);
	handler = ((Form_pg_am) GETSTRUCT(tuple))->amhandler;
	ReleaseSysCache(tuple);
	return GetTableAmRoutine(handler) == ps_am_routine();
}

static void
set_access_method(Oid relid, Oid from, Oid to)
{
	Relation	pg_class = table_open(RelationRelationId, RowExclusiveLock);
	HeapTuple	tuple = SearchSysCacheCopy1(RELOID, ObjectIdGetDatum(relid));

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	((Form_pg_class) GETSTRUCT(tuple))->relam = to;
	CatalogTupleUpdate(pg_class, &tuple->t_self, tuple);
	heap_freetuple(tuple);
	table_close(pg_class, RowExclusiveLock);

	if (changeDependencyFor(RelationRelationId, relid,
							AccessMethodRelationId, from, to) != 1)
		elog(ERROR, "could not change access method dependency for relation %u", relid);
}

/*
 * SQL: pagestore_convert(regclass, name) returns boolean
 *
 * Gives the table the access method heap or pagestore; false if it has it
 * already.  Takes AccessExclusiveLock until the end of the transaction.
 */
Datum
pagestore_convert(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	const char *name = NameStr(*PG_GETARG_NAME(1));
	Oid			from;
	Oid			to;
	Relation	rel;

	ps_require_preloaded();
	to = get_table_am_oid(name, false);
	rel = table_open(relid, AccessExclusiveLock);
	check_convertible(rel);

	from = rel->rd_rel->relam;
	if (from == to)
	{
		table_close(rel, NoLock);
		PG_RETURN_BOOL(false);
	}
	if (from == HEAP_TABLE_AM_OID && is_pagestore_am(to))
	{
		if (!RelationUsesLocalBuffers(rel))
			ps_gate_arrive(rel);
	}
	else if (to == HEAP_TABLE_AM_OID && ps_is_pagestore(rel))
	{
		if (!RelationUsesLocalBuffers(rel))
			ps_gate_leave(rel);
	}
	else
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("can convert only between heap and pagestore"),
				 errhint("Use ALTER TABLE ... SET ACCESS METHOD.")));

	set_access_method(relid, from, to);
	CacheInvalidateRelcache(rel);
	table_close(rel, NoLock);
	CommandCounterIncrement();
	PG_RETURN_BOOL(true);
}

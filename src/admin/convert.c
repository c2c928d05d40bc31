/*
 * convert.c
 *		Change a table between heap and pagestore in place.
 *
 * Both keep the same pages, so that only the catalog and the owner of the
 * pages change (ownership.c): no row is copied, whatever the size of the
 * table.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "admin/admin.h"
#include "am/am.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "server/preload.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(pagestore_convert);

/*
 * May this user convert this relation?  Asked before the lock is taken, so
 * that nobody can make others wait for a table that is not his, and again
 * under it.
 */
static void
check_convertible(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class class;
	const char *name;

	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	class = (Form_pg_class) GETSTRUCT(tuple);
	name = NameStr(class->relname);

	if (!pg_class_ownercheck(relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(class->relkind), name);
	if (IsSystemClass(relid, class))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied: \"%s\" is a system catalog", name)));
	if (class->relkind != RELKIND_RELATION && class->relkind != RELKIND_MATVIEW)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table or materialized view", name)));
	if (class->relpersistence == RELPERSISTENCE_TEMP && !isTempOrTempToastNamespace(class->relnamespace))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot convert temporary tables of other sessions")));
	ReleaseSysCache(tuple);
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
 * SQL: pagestore_convert(regclass, name, force boolean) returns boolean
 *
 * Gives the table the access method heap or pagestore; false if it has it
 * already.  Takes AccessExclusiveLock until the end of the transaction.
 */
Datum
pagestore_convert(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	const char *name = NameStr(*PG_GETARG_NAME(1));
	bool		force = PG_GETARG_BOOL(2);
	Oid			from;
	Oid			to;
	Relation	rel;

	ps_require_preloaded();
	to = get_table_am_oid(name, false);
	check_convertible(relid);
	LockRelationOid(relid, AccessExclusiveLock);
	check_convertible(relid);
	rel = table_open(relid, NoLock);
	CheckTableNotInUse(rel, "pagestore_convert");

	from = rel->rd_rel->relam;
	if (from == to)
	{
		table_close(rel, NoLock);
		PG_RETURN_BOOL(false);
	}
	if (from == HEAP_TABLE_AM_OID && ps_is_pagestore_am(to))
		ps_extension_check_switch(relid, force);
	else if (to != HEAP_TABLE_AM_OID || !ps_is_pagestore(rel))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("can convert only between heap and pagestore"),
				 errhint("Use ALTER TABLE ... SET ACCESS METHOD.")));

	set_access_method(relid, from, to);
	table_close(rel, NoLock);
	CommandCounterIncrement();
	ps_settle_ownership();
	InvokeObjectPostAlterHook(RelationRelationId, relid, 0);
	PG_RETURN_BOOL(true);
}

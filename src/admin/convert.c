/*
 * convert.c
 *		pagestore_convert(): a table between heap and pagestore, or the
 *		partitions of one.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "admin/admin.h"
#include "admin/convert.h"
#include "admin/progress.h"
#include "admin/switch.h"
#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "server/compat.h"
#include "server/preload.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

PG_FUNCTION_INFO_V1(pagestore_convert);

/*
 * May the user convert this relation?  ereport(ERROR) if not.  Takes no lock:
 * to be asked before one is, so that nobody can make others wait for somebody
 * else's table.
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

	if (!object_ownercheck(RelationRelationId, relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(class->relkind), name);
	if (IsSystemClass(relid, class))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied: \"%s\" is a system catalog", name)));
	if (class->relkind != RELKIND_RELATION && class->relkind != RELKIND_MATVIEW &&
		class->relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table or materialized view", name)));
	if (class->relpersistence == RELPERSISTENCE_TEMP && !isTempOrTempToastNamespace(class->relnamespace))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot convert temporary tables of other sessions")));
	ReleaseSysCache(tuple);
}

/* The rest of the question, of a table that is open. */
static void
check_switch(Relation rel, Oid to)
{
	Oid			from = rel->rd_rel->relam;

	if (from != to && !ps_can_switch(from, to))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("can convert only between heap and pagestore"),
				 errdetail("Table \"%s\" has access method \"%s\".",
						   RelationGetRelationName(rel), get_am_name(from)),
				 errhint("Use ALTER TABLE ... SET ACCESS METHOD.")));

	/*
	 * Whoever reads it with an old catalog, in logical decoding, would go to
	 * the owner of that time.
	 */
	if (from != to && RelationIsUsedAsCatalogTable(rel))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot convert table \"%s\" used as a catalog table", RelationGetRelationName(rel))));
}

bool
ps_could_convert(Oid relid, Oid to)
{
	Relation	rel;
	bool		differs;

	check_convertible(relid);
	rel = table_open(relid, AccessShareLock);
	check_switch(rel, to);
	differs = rel->rd_rel->relam != to;
	if (differs && to != HEAP_TABLE_AM_OID)
		ps_extension_check_switch(relid, false);
	table_close(rel, AccessShareLock);
	return differs;
}

/* Asked again under the lock, which the caller holds. */
static bool
convert_table(Oid relid, Oid to, bool force)
{
	Relation	rel;
	Oid			from;

	check_convertible(relid);
	rel = table_open(relid, NoLock);
	CheckTableNotInUse(rel, "pagestore_convert");
	check_switch(rel, to);
	from = rel->rd_rel->relam;
	table_close(rel, NoLock);

	if (from == to)
		return false;
	ps_switch(relid, from, to, force);
	return true;
}

/* Foreign tables have none, nor partitioned ones that leave it to default_table_access_method, as all do before 17. */
static bool
has_access_method(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		result;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	result = OidIsValid(((Form_pg_class) GETSTRUCT(tuple))->relam);
	ReleaseSysCache(tuple);
	return result;
}

/*
 * It and all its partitions that have an access method.  They are locked before
 * it is asked whose they are, as ALTER TABLE does.
 */
static bool
convert_partitions(Oid parent, Oid to, bool force)
{
	List	   *relids = find_all_inheritors(parent, AccessExclusiveLock, NULL);
	bool		converted = false;
	ListCell   *lc;

	ps_progress_set(PS_CONVERT_TABLES_TOTAL, list_length(relids));
	foreach(lc, relids)
	{
		Oid			relid = lfirst_oid(lc);

		ps_progress_relation(relid);
		ps_progress_set(PS_CONVERT_TABLES_DONE, foreach_current_index(lc));
		if (has_access_method(relid) && convert_table(relid, to, force))
			converted = true;
	}
	return converted;
}

bool
ps_convert(Oid relid, Oid to, bool force, bool partitions)
{
	Relation	rel;

	check_convertible(relid);
	ps_progress_set(PS_CONVERT_PHASE, PS_CONVERT_WRITING);
	rel = try_relation_open(relid, AccessShareLock);
	if (rel != NULL)
	{
		if (RELKIND_HAS_STORAGE(rel->rd_rel->relkind))
			ps_switch_prepare(rel, to);
		relation_close(rel, AccessShareLock);
	}
	ps_progress_set(PS_CONVERT_PHASE, PS_CONVERT_LOCKING);
	LockRelationOid(relid, AccessExclusiveLock);
	ps_progress_set(PS_CONVERT_PHASE, PS_CONVERT_SWITCHING);
	check_convertible(relid);
	if (partitions && get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
		return convert_partitions(relid, to, force);
	return convert_table(relid, to, force);
}

/* SQL: pagestore_convert(regclass, name, force boolean) returns boolean: has anything changed? */
Datum
pagestore_convert(PG_FUNCTION_ARGS)
{
	Oid			relid = PG_GETARG_OID(0);
	const char *name = NameStr(*PG_GETARG_NAME(1));
	bool		force = PG_GETARG_BOOL(2);
	Oid			to;
	bool		converted;

	ps_require_preloaded();
	PreventCommandIfReadOnly("pagestore_convert()");
	to = get_table_am_oid(name, false);
	ps_progress_begin(PS_COMMAND_CONVERT, relid);
	ps_progress_set(PS_CONVERT_TO_HEAP, to == HEAP_TABLE_AM_OID);
	ps_progress_set(PS_CONVERT_TABLES_TOTAL, 1);
	converted = ps_convert(relid, to, force, true);
	ps_progress_end();
	PG_RETURN_BOOL(converted);
}

/*
 * switch.c
 *		Change a table between heap and pagestore by its row in pg_class.
 *
 * Both keep the same pages, so that only the catalog and the owner of the
 * pages change (ownership.c): no row is copied, whatever the size of the
 * table.
 *
 * Core rewrites a table whose access method changes, and there is no hook
 * between the moment when it has locked the table and the one when it decides
 * to.  So ALTER TABLE is looked at before it runs.  Name, privileges and lock
 * are core's own work all the same (AlterTableLookupRelation()), and core does
 * the rest of the command: what it checks, event triggers, and other
 * subcommands.  A trigger for ddl_command_start, which is not told which table
 * the command is about, finds the table locked and switched.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "admin/admin.h"
#include "admin/progress.h"
#include "admin/switch.h"
#include "am/am.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "commands/tablecmds.h"
#include "debug/stop.h"
#include "miscadmin.h"
#include "pool/registry.h"
#include "pool/relation.h"
#include "server/compat.h"
#include "storage/bufmgr.h"
#include "storage/lock.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

static bool
has_heap_pages(Oid amoid)
{
	return amoid == HEAP_TABLE_AM_OID || ps_is_pagestore_am(amoid);
}

bool
ps_can_switch(Oid from, Oid to)
{
	return OidIsValid(from) && OidIsValid(to) && from != to && has_heap_pages(from) && has_heap_pages(to);
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

#ifdef USE_ASSERT_CHECKING
static bool
is_locked(Oid relid)
{
	LOCKTAG		tag;

	SET_LOCKTAG_RELATION(tag, MyDatabaseId, relid);
	return LockHeldByMe(&tag, AccessExclusiveLock, false);
}
#endif

void
ps_switch(Oid relid, Oid from, Oid to, bool force)
{
	Assert(ps_can_switch(from, to));
	Assert(is_locked(relid));

	if (to != HEAP_TABLE_AM_OID)
	{
		ps_am_lock(to);
		ps_extension_check_switch(relid, force);
	}
	set_access_method(relid, from, to);
	CommandCounterIncrement();
	ps_settle_ownership();
	InvokeObjectPostAlterHook(RelationRelationId, relid, 0);
	PS_STOP("switch-before-commit");
}

void
ps_switch_prepare(Relation rel, Oid to)
{
	/*
	 * Not if we have it in use ourselves: then it will not be switched
	 * anyway.  A partitioned table may name an access method, but has no
	 * file.
	 */
	if (rel->rd_refcnt == 1 && RELKIND_HAS_STORAGE(rel->rd_rel->relkind) &&
		ps_can_switch(rel->rd_rel->relam, to) && !RelationUsesLocalBuffers(rel))
	{
		/*
		 * what the pool's file has dirty in shared buffers is a stray, and
		 * not to be written
		 */
		if (ps_registry_pool_owns(rel->rd_locator))
			ps_pool_flush_relation(rel->rd_locator);
		else
			FlushRelationBuffers(rel);
	}
	PS_STOP("switch-flushed");
}

/* ---- ALTER TABLE ---- */

/* For these the table may be rewritten: core does it once, with the access method. */
static bool
may_rewrite(const AlterTableCmd *cmd)
{
	switch (cmd->subtype)
	{
		case AT_AddColumn:
		case AT_AlterColumnType:
		case AT_SetLogged:
		case AT_SetUnLogged:
		case AT_SetTableSpace:
			return true;
		default:
			return false;
	}
}

/* The one subcommand that sets the access method, if the table can stay as it is. */
static const AlterTableCmd *
find_switch(const AlterTableStmt *stmt)
{
	const AlterTableCmd *found = NULL;
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		const AlterTableCmd *cmd = lfirst_node(AlterTableCmd, lc);

		if (may_rewrite(cmd) || (found != NULL && cmd->subtype == AT_SetAccessMethod))
			return NULL;
		if (cmd->subtype == AT_SetAccessMethod)
			found = cmd;
	}
	return found;
}

/* Would core rewrite it, and give no error?  Of a table that is read with old catalogs they must name its owner. */
static bool
is_alterable(Relation rel)
{
	return (rel->rd_rel->relkind == RELKIND_RELATION || rel->rd_rel->relkind == RELKIND_MATVIEW) &&
		!IsSystemRelation(rel) && !RelationIsUsedAsCatalogTable(rel) && !RELATION_IS_OTHER_TEMP(rel);
}

/*
 * Finds, locks and opens the table, by core's own function; gives its new
 * access method, which without a name is the default (SET ACCESS METHOD
 * DEFAULT, since 17).  InvalidOid where there is nothing to switch: then it is
 * closed.
 */
static Oid
find_table(AlterTableStmt *stmt, const char *amname, LOCKMODE lockmode, Relation *rel)
{
	Oid			relid = AlterTableLookupRelation(stmt, lockmode);
	Oid			to;

	if (!OidIsValid(relid))
		return InvalidOid;
	*rel = relation_open(relid, NoLock);
	to = is_alterable(*rel) ? get_table_am_oid(amname ? amname : default_table_access_method, true) : InvalidOid;
	if (ps_can_switch((*rel)->rd_rel->relam, to))
		return to;

	/*
	 * a weak lock that is kept would be in the way of the strong one, ours
	 * and others'
	 */
	relation_close(*rel, lockmode == AccessShareLock ? lockmode : NoLock);
	return InvalidOid;
}

PlannedStmt *
ps_switch_before_alter(PlannedStmt *pstmt)
{
	AlterTableStmt *stmt = castNode(AlterTableStmt, pstmt->utilityStmt);
	const AlterTableCmd *cmd = find_switch(stmt);
	Oid			relid;
	Oid			from;
	Oid			to;
	char	   *schema;
	Relation	rel;

	/* core refuses these before it looks at names */
	if (cmd == NULL || XactReadOnly || IsInParallelMode())
		return pstmt;
	to = find_table(stmt, cmd->name, AccessShareLock, &rel);
	if (OidIsValid(to))
	{
		ps_progress_begin(PS_COMMAND_CONVERT, RelationGetRelid(rel));
		ps_progress_set(PS_CONVERT_TO_HEAP, to == HEAP_TABLE_AM_OID);
		ps_progress_set(PS_CONVERT_TABLES_TOTAL, 1);
		ps_progress_set(PS_CONVERT_PHASE, PS_CONVERT_WRITING);
		ps_switch_prepare(rel, to);
		relation_close(rel, AccessShareLock);
		ps_progress_set(PS_CONVERT_PHASE, PS_CONVERT_LOCKING);
	}

	to = find_table(stmt, cmd->name, AlterTableGetLockLevel(stmt->cmds), &rel);
	if (!OidIsValid(to))
	{
		ps_progress_end();
		return pstmt;
	}
	ps_progress_set(PS_CONVERT_PHASE, PS_CONVERT_SWITCHING);
	CheckTableNotInUse(rel, "ALTER TABLE");
	relid = RelationGetRelid(rel);
	from = rel->rd_rel->relam;
	schema = get_namespace_name(RelationGetNamespace(rel));
	relation_close(rel, NoLock);
	ps_switch(relid, from, to, false);
	ps_progress_end();

	/*
	 * core is to find the same, whatever is created meanwhile on the search
	 * path
	 */
	pstmt = copyObject(pstmt);
	stmt = castNode(AlterTableStmt, pstmt->utilityStmt);
	stmt->relation->schemaname = schema;
	return pstmt;
}

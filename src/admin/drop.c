/*
 * drop.c
 *		The access method does not take its tables along when it is dropped.
 *
 * DROP EXTENSION ... CASCADE, DROP OWNED and their like would drop each table
 * of pagestore, which is rarely what is meant: to go back to heap costs
 * nothing.  So they fail, and say how.  Whichever command it is, core
 * announces the drop of the access method (object_access_hook) under
 * AccessExclusiveLock on it.  By then the tables, which depend on it, have
 * gone; they are looked for in pg_class as it was when the command began.
 * Whoever gives a table the access method holds a lock on it
 * (ps_am_lock()), so that none is missed.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "admin/catalog.h"
#include "admin/drop.h"
#include "am/am.h"
#include "catalog/indexing.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "commands/defrem.h"
#include "server/compat.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* As many as these are named to the client, all of them in the log. */
#define MAX_NAMED 20

static object_access_hook_type prev_object_access = NULL;

/* When the last command began that may drop the access method. */
static LocalTransactionId command_lxid = InvalidLocalTransactionId;
static CommandId command_began = FirstCommandId;

void
ps_drop_command_begins(void)
{
	command_lxid = ps_lxid(MyProc);
	command_began = GetCurrentCommandId(false);
}

static char *
schema_name(Oid schema, Snapshot snapshot)
{
	Relation	pg_namespace = table_open(NamespaceRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	char	   *name = NULL;

	ScanKeyInit(&key, Anum_pg_namespace_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(schema));
	scan = systable_beginscan(pg_namespace, NamespaceOidIndexId, true, snapshot, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		name = pstrdup(NameStr(((Form_pg_namespace) GETSTRUCT(tuple))->nspname));
	systable_endscan(scan);
	table_close(pg_namespace, AccessShareLock);
	return name;
}

static int
by_name(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/* Names of the tables that have the access method, sorted. */
static List *
tables_of(Oid am)
{
	/*
	 * what this transaction has deleted since the command began is still
	 * there
	 */
	Snapshot	snapshot = ps_register_catalog_at(command_lxid == ps_lxid(MyProc) ? command_began : FirstCommandId);
	Relation	pg_class = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(pg_class, InvalidOid, false, snapshot, 0, NULL);
	HeapTuple	tuple;
	List	   *names = NIL;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class class = (Form_pg_class) GETSTRUCT(tuple);

		if (class->relam == am)
			names = lappend(names, quote_qualified_identifier(schema_name(class->relnamespace, snapshot),
															  NameStr(class->relname)));
	}
	systable_endscan(scan);
	table_close(pg_class, AccessShareLock);
	UnregisterSnapshot(snapshot);
	list_sort(names, by_name);
	return names;
}

static char *
enumerate(List *names, int most)
{
	StringInfoData buf;
	ListCell   *lc;

	initStringInfo(&buf);
	foreach(lc, names)
	{
		if (foreach_current_index(lc) == most)
		{
			appendStringInfo(&buf, "\nand %d more", list_length(names) - most);
			break;
		}
		appendStringInfo(&buf, "%s%s", foreach_current_index(lc) > 0 ? "\n" : "", (char *) lfirst(lc));
	}
	return buf.data;
}

static void
check_drop(Oid am)
{
	List	   *names = tables_of(am);

	if (names == NIL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
			 errmsg("cannot drop access method \"%s\" because it would take its tables along", get_am_name(am)),
			 errdetail("Tables and materialized views that have it:\n%s", enumerate(names, MAX_NAMED)),
			 errdetail_log("Tables and materialized views that have it:\n%s", enumerate(names, list_length(names))),
			 errhint("CALL pagestore_convert_all('heap') makes them heap tables, which copies no row.")));
}

static void
at_access_method(ObjectAccessType access, Oid class, Oid object, int sub, void *arg)
{
	if (prev_object_access)
		prev_object_access(access, class, object, sub, arg);
	if (access == OAT_DROP && class == AccessMethodRelationId && ps_is_pagestore_am(object))
		check_drop(object);
}

void
ps_drop_init(void)
{
	prev_object_access = object_access_hook;
	object_access_hook = at_access_method;
}

/*
 * extension.c
 *		Tables of other extensions: heap, unless somebody says otherwise by name.
 *
 * The code of an extension may change its own tables by functions of heap
 * (simple_heap_update() and the like), past any access method.  Its author
 * tried it on heap.  So a script that does not name an access method gets
 * heap, also where default_table_access_method is pagestore, and a table that
 * belongs to an extension becomes pagestore only by force.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "admin/admin.h"
#include "am/am.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#define SETTING "default_table_access_method"

static object_access_hook_type prev_object_access = NULL;

/* The script under way has reset the setting, and has not set it since. */
static bool script_has_reset = false;

/* ---- scripts ---- */

/* Only our own name is taken back: what becomes of another access method is not ours to say. */
static void
prefer_heap(GucAction action)
{
	Oid			amoid = get_table_am_oid(default_table_access_method, true);

	if (OidIsValid(amoid) && ps_is_pagestore_am(amoid))
		(void) set_config_option(SETTING, DEFAULT_TABLE_ACCESS_METHOD, PGC_USERSET, PGC_S_SESSION,
								 action, true, 0, false);
}

/*
 * The setting lasts as long as the command, like the search_path that core
 * sets for a script.  What the script sets outlasts it, as usual.
 */
void
ps_run_extension_script(void (*run) (void *arg), void *arg)
{
	bool		saved = script_has_reset;
	int			level = NewGUCNestLevel();

	script_has_reset = false;
	prefer_heap(GUC_ACTION_SAVE);
	PG_TRY();
	{
		run(arg);
		AtEOXact_GUC(true, level);
		if (script_has_reset)
			(void) set_config_option(SETTING, NULL, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SET, true, 0, false);
	}
	PG_FINALLY();
	{
		script_has_reset = saved;
	}
	PG_END_TRY();
}

/* A SET or RESET has run: a script that resets names nothing, and has what it would have had without, at its end. */
void
ps_extension_after_set(const VariableSetStmt *stmt)
{
	bool		all = stmt->kind == VAR_RESET_ALL;

	if (!creating_extension || (!all && (stmt->name == NULL || strcmp(stmt->name, SETTING) != 0)))
		return;
	script_has_reset = all || stmt->kind == VAR_RESET || stmt->kind == VAR_SET_DEFAULT;
	if (script_has_reset)
		prefer_heap(GUC_ACTION_SET);
}

/* ---- members ---- */

#define REASON "An extension's code may write its tables as heap, past the access method: committed rows would be lost."

void
ps_extension_check_switch(Oid relid, bool force)
{
	Oid			extension = creating_extension ? InvalidOid : getExtensionOfObject(RelationRelationId, relid);
	char	   *table;

	if (!OidIsValid(extension))
		return;
	table = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
	if (force)
		ereport(WARNING,
				(errmsg("table \"%s\" belongs to extension \"%s\"", get_rel_name(relid), get_extension_name(extension)),
				 errdetail(REASON),
				 errhint("pagestore_convert('%s', 'heap') is the way back.", table)));
	else
		ereport(ERROR,
				(errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
				 errmsg("cannot change table \"%s\" to pagestore because it belongs to extension \"%s\"",
						get_rel_name(relid), get_extension_name(extension)),
				 errdetail(REASON),
				 errhint("If you know that it does not, use pagestore_convert('%s', 'pagestore', force => true).", table)));
}

/* Has the command under way, which is not over yet, just given the table our access method? */
static bool
becomes_ours(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class class;
	bool		table;
	bool		ours = false;
	Relation	pg_class;
	ScanKeyData key;
	SysScanDesc scan;

	if (!HeapTupleIsValid(tuple))
		return false;
	class = (Form_pg_class) GETSTRUCT(tuple);
	table = RELKIND_HAS_TABLE_AM(class->relkind) && OidIsValid(class->relam) && !ps_is_pagestore_am(class->relam);
	ReleaseSysCache(tuple);
	if (!table)
		return false;

	pg_class = table_open(RelationRelationId, AccessShareLock);
	ScanKeyInit(&key, Anum_pg_class_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(pg_class, ClassOidIndexId, true, SnapshotSelf, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		ours = ps_is_pagestore_am(((Form_pg_class) GETSTRUCT(tuple))->relam);
	systable_endscan(scan);
	table_close(pg_class, AccessShareLock);
	return ours;
}

/* ALTER EXTENSION ADD has just noted its object, in this command. */
static void
warn_of_new_members(Oid extension)
{
	Relation	pg_depend = table_open(DependRelationId, AccessShareLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(ExtensionRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(extension));
	scan = systable_beginscan(pg_depend, DependReferenceIndexId, true, SnapshotSelf, 2, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);
		Relation	rel;

		if (depend->classid != RelationRelationId || depend->deptype != DEPENDENCY_EXTENSION ||
			!TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data)) ||
			HeapTupleHeaderGetCmin(tuple->t_data) != GetCurrentCommandId(false))
			continue;
		rel = RelationIdGetRelation(depend->objid);
		if (rel == NULL)
			continue;
		if (ps_is_pagestore(rel))
			ereport(WARNING,
					(errmsg("table \"%s\" belongs to extension \"%s\" and stays pagestore",
							RelationGetRelationName(rel), get_extension_name(extension)),
					 errdetail(REASON)));
		RelationClose(rel);
	}
	systable_endscan(scan);
	table_close(pg_depend, AccessShareLock);
}

static void
at_alter(ObjectAccessType access, Oid class, Oid object, int sub, void *arg)
{
	if (prev_object_access)
		prev_object_access(access, class, object, sub, arg);
	if (access != OAT_POST_ALTER || sub != 0 || creating_extension || IsBinaryUpgrade)
		return;
	if (class == RelationRelationId && becomes_ours(object))
		ps_extension_check_switch(object, false);
	else if (class == ExtensionRelationId)
		warn_of_new_members(object);
}

void
ps_extension_init(void)
{
	prev_object_access = object_access_hook;
	object_access_hook = at_alter;
}

/*
 * utility.c
 *		Commands on whole databases and tablespaces.
 *
 * Core copies databases, drops and moves them behind the back of any table
 * access method; a hook around these commands keeps the pool in step.
 *
 * Which object a command means is for core to say, under its lock: a name that
 * is looked up before that may be another object's by then.  So the object is
 * noted when core announces it (object_access_hook).
 */
#include "postgres.h"

#include "access/xact.h"
#include "admin/admin.h"
#include "admin/autoprewarm.h"
#include "admin/drop.h"
#include "admin/switch.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_database.h"
#include "catalog/pg_tablespace.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "io/segment.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "pool/gate.h"
#include "pool/sentinel_client.h"
#include "tcop/utility.h"
#include "utils/syscache.h"

static ProcessUtility_hook_type prev_process_utility = NULL;
static object_access_hook_type prev_object_access = NULL;

/* ALTER DATABASE SET TABLESPACE is under way. */
static bool moving_database = false;

/* The database or tablespace that core has last announced the drop of. */
static Oid	announced_drop = InvalidOid;

typedef struct UtilityCall
{
	PlannedStmt *pstmt;
	const char *query_string;
	bool		read_only_tree;
	ProcessUtilityContext context;
	ParamListInfo params;
	QueryEnvironment *env;
	DestReceiver *dest;
	QueryCompletion *qc;
} UtilityCall;

static void
run_command(const UtilityCall *call)
{
	ProcessUtility_hook_type process = prev_process_utility ? prev_process_utility : standard_ProcessUtility;

	process(call->pstmt, call->query_string, call->read_only_tree, call->context,
			call->params, call->env, call->dest, call->qc);
}

static void
run_call(void *call)
{
	run_command(call);
}

/*
 * The checkpoints within these commands must find unlogged pages as well:
 * those that copy files, to copy them as they are; DROP DATABASE, to leave no
 * dirty page behind that somebody would write, and request the sync of, while
 * the files go.
 */
static void
run_writing_unlogged(const UtilityCall *call)
{
	ps_sentinel_want_unlogged(true);
	PG_TRY();
	{
		run_command(call);
	}
	PG_FINALLY();
	{
		ps_sentinel_want_unlogged(false);
	}
	PG_END_TRY();
}

/*
 * The command fails if others are in the database, and a warm restart may be:
 * WITH (FORCE) too, as the worker is a superuser's.  The name may be another's
 * by the time that core asks, and the command may not be allowed: then a
 * database was left for nothing, and its pages come with use.
 */
static void
leave_database(const char *name)
{
	ps_autoprewarm_leave(get_database_oid(name, true));
}

/*
 * STRATEGY wal_log would copy through shared buffers, which may hold stale
 * pages of our tables: copy files, whatever was asked for.
 */
static void
create_database(UtilityCall *call)
{
	PlannedStmt *pstmt = copyObject(call->pstmt);
	CreatedbStmt *stmt = (CreatedbStmt *) pstmt->utilityStmt;
	DefElem    *strategy = NULL;
	const char *template = "template1";
	ListCell   *lc;

	foreach(lc, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "strategy") == 0)
			strategy = option;
		else if (strcmp(option->defname, "template") == 0 && option->arg != NULL)
			template = defGetString(option);
	}
	if (strategy == NULL)
		stmt->options = lappend(stmt->options,
								makeDefElem("strategy", (Node *) makeString("file_copy"), -1));
	else if (strategy->arg != NULL && pg_strcasecmp(defGetString(strategy), "wal_log") == 0)
		strategy->arg = (Node *) makeString("file_copy");

	call->pstmt = pstmt;
	leave_database(template);
	run_writing_unlogged(call);
}

static bool
moves_database(const AlterDatabaseStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->options)
		if (strcmp(lfirst_node(DefElem, lc)->defname, "tablespace") == 0)
		return true;
	return false;
}

/*
 * The frames must go while core holds its lock on the database
 * (at_database): afterwards somebody may be at work there again.
 */
static void
move_database(const UtilityCall *call)
{
	moving_database = true;
	PG_TRY();
	{
		run_writing_unlogged(call);
	}
	PG_FINALLY();
	{
		moving_database = false;
	}
	PG_END_TRY();
	ps_file_wake_idle();
}

/* Marked by a drop that failed half way: nobody has been in it since, or can be. */
static bool
is_invalid(Oid database)
{
	HeapTuple	tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(database));
	bool		invalid;

	if (!HeapTupleIsValid(tuple))
		return false;
	invalid = database_is_invalid_form((Form_pg_database) GETSTRUCT(tuple));
	ReleaseSysCache(tuple);
	return invalid;
}

/*
 * A move has copied the files and holds the database: all frames are clean
 * since its checkpoint, and none may outlive the old files, whose names come
 * back if the database does.  Should the move fail after this, the frames are
 * read again.
 *
 * A drop that is repeated needs no page of the database, and must not depend
 * on a checkpoint that writes them: the disk may be what has failed before.
 */
static void
at_database(ObjectAccessType access, Oid class, Oid object, int sub, void *arg)
{
	if (prev_object_access)
		prev_object_access(access, class, object, sub, arg);
	if (access == OAT_DROP && (class == DatabaseRelationId || class == TableSpaceRelationId))
	{
		announced_drop = object;
		if (class == DatabaseRelationId && IsUnderPostmaster && is_invalid(object))
			ps_gate_end_database(object);
	}
	else if (access == OAT_POST_ALTER && class == DatabaseRelationId && moving_database)
		ps_gate_end_database(object);
}

/* Has the command just run dropped an object?  Its row is asked, which the command locks until commit. */
static bool
has_dropped(int syscache)
{
	if (!OidIsValid(announced_drop))
		return false;
	CommandCounterIncrement();
	return !SearchSysCacheExists1(syscache, ObjectIdGetDatum(announced_drop));
}

/*
 * The files are gone when the command returns, before its commit; should that
 * fail, the row stays, marked invalid: nobody can use the database again.  A
 * command that fails half way, as in its checkpoint, leaves it like that too,
 * with its frames: those whose files have gone are clean since that
 * checkpoint, and all go when the drop is repeated.
 */
static void
drop_database(const UtilityCall *call)
{
	announced_drop = InvalidOid;
	run_writing_unlogged(call);
	if (!has_dropped(DATABASEOID))
		return;
	ps_gate_end_database(announced_drop);
	ps_file_wake_idle();
}

/* It was empty.  An open file, unlinked long ago, would still keep its file system from being unmounted. */
static void
drop_tablespace(const UtilityCall *call)
{
	announced_drop = InvalidOid;
	run_command(call);
	if (!has_dropped(TABLESPACEOID))
		return;
	ps_gate_end_tablespace(announced_drop);
	ps_file_wake_idle();
}

/* Commands on databases, tablespaces and the whole cluster; others are run as they are. */
static void
run_database_command(UtilityCall *call)
{
	Node	   *stmt = call->pstmt->utilityStmt;

	switch (nodeTag(stmt))
	{
		case T_CreatedbStmt:
			create_database(call);
			break;
		case T_DropdbStmt:
			leave_database(((DropdbStmt *) stmt)->dbname);
			drop_database(call);
			break;
		case T_DropTableSpaceStmt:
			drop_tablespace(call);
			break;
		case T_CheckPointStmt:
			ps_sentinel_wake();
			run_command(call);
			break;
		case T_AlterDatabaseStmt:
			if (moves_database((AlterDatabaseStmt *) stmt))
			{
				leave_database(((AlterDatabaseStmt *) stmt)->dbname);
				move_database(call);
			}
			else
				run_command(call);
			break;
		case T_RenameStmt:
			if (((RenameStmt *) stmt)->renameType == OBJECT_DATABASE)
				leave_database(((RenameStmt *) stmt)->subname);
			run_command(call);
			break;
		default:
			run_command(call);
			break;
	}
}

static void
process_utility(PlannedStmt *pstmt, const char *query_string, bool read_only_tree,
				ProcessUtilityContext context, ParamListInfo params,
				QueryEnvironment *env, DestReceiver *dest, QueryCompletion *qc)
{
	UtilityCall call = {pstmt, query_string, read_only_tree, context, params, env, dest, qc};
	Node	   *stmt = pstmt->utilityStmt;

	/* an end of the transaction, or of a part of it, has its own moment */
	if (!IsA(stmt, TransactionStmt))
		ps_settle_ownership();

	switch (nodeTag(stmt))
	{
		case T_CreateExtensionStmt:
		case T_AlterExtensionStmt:
			ps_run_extension_script(run_call, &call);
			break;
		case T_VariableSetStmt:
			run_command(&call);
			ps_extension_after_set((VariableSetStmt *) stmt);
			break;
		case T_AlterTableStmt:
			call.pstmt = ps_switch_before_alter(pstmt);
			run_command(&call);
			break;
		case T_DropStmt:
		case T_DropOwnedStmt:
			ps_drop_command_begins();
			run_command(&call);
			break;
		default:
			if (IsUnderPostmaster)
				run_database_command(&call);
			else
				run_command(&call);
			break;
	}
}

void
ps_utility_init(void)
{
	prev_process_utility = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
	prev_object_access = object_access_hook;
	object_access_hook = at_database;
}

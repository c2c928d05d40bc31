/*
 * check_amcheck.c
 *		What amcheck checks of a pagestore table: its btree indexes, and the pages
 *		of its TOAST table, which is core's.
 *
 * amcheck is another extension, which may not be there.  Its functions are met
 * by their oids, never by a name that somebody else could have taken; who may
 * not call them has them not called.  They stop at the first thing wrong, by an
 * error: that is the finding.
 */
#include "postgres.h"

#include "access/xact.h"
#include "admin/check_amcheck.h"
#include "catalog/dependency.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type_d.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "server/compat.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* amcheck's function with these arguments, as SQL text; NULL: there is none, or not for us. */
static char *
amcheck_function(const char *name, const oidvector *args)
{
	Oid			extension = get_extension_oid("amcheck", true);
	CatCList   *named;
	char	   *found = NULL;

	if (!OidIsValid(extension))
		return NULL;
	named = SearchSysCacheList1(PROCNAMEARGSNSP, CStringGetDatum(name));
	for (int i = 0; i < named->n_members && found == NULL; i++)
	{
		Form_pg_proc proc = (Form_pg_proc) GETSTRUCT(&named->members[i]->tuple);

		if (DirectFunctionCall2(oidvectoreq, PointerGetDatum(&proc->proargtypes), PointerGetDatum(args)) &&
			getExtensionOfObject(ProcedureRelationId, proc->oid) == extension &&
			object_aclcheck(ProcedureRelationId, proc->oid, GetUserId(), ACL_EXECUTE) == ACLCHECK_OK)
			found = quote_qualified_identifier(get_namespace_name(proc->pronamespace), name);
	}
	ReleaseSysCacheList(named);
	return found;
}

/* Errors that tell of damage, as opposed to those that tell of this session. */
static bool
is_damage(int sqlerrcode)
{
	return ERRCODE_TO_CATEGORY(sqlerrcode) == ERRCODE_INTERNAL_ERROR || sqlerrcode == ERRCODE_IO_ERROR;
}

/*
 * Run the query, in a subtransaction of its own.  What it says, row by row, or
 * the error by which it stops, is told to the caller.
 */
static void
run_query(PsCheck *check, const char *query, int nargs, const Oid *types, const Datum *values,
		  void (*tell) (PsCheck *check, const char *about, HeapTuple row, TupleDesc desc), const char *about)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		SPI_connect();
		if (SPI_execute_with_args(query, nargs, unconstify(Oid *, types), unconstify(Datum *, values),
								  NULL, true, 0) != SPI_OK_SELECT)
			elog(ERROR, "could not run \"%s\"", query);
		for (uint64 i = 0; tell && i < SPI_processed; i++)
			tell(check, about, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
		SPI_finish();
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (!is_damage(error->sqlerrcode))
			ReThrowError(error);
		ps_put_finding(check, InvalidBlockNumber, InvalidOffsetNumber, PS_NO_ATTRIBUTE,
					   psprintf("%s: %s", about, error->message));
		FreeErrorData(error);
	}
	PG_END_TRY();
}

bool
ps_amcheck_index(PsCheck *check, Oid index, bool heapallindexed)
{
	const Oid	types[] = {REGCLASSOID, BOOLOID};
	const Datum values[] = {ObjectIdGetDatum(index), BoolGetDatum(heapallindexed)};
	char	   *function = amcheck_function("bt_index_check", buildoidvector(types, lengthof(types)));

	if (function == NULL)
		return false;
	run_query(check, psprintf("SELECT %s($1, $2)", function), lengthof(types), types, values,
			  NULL, psprintf("index \"%s\"", get_rel_name(index)));
	return true;
}

/* A row of verify_heapam(): about another relation than ours, so that all of it goes into the message. */
static void
tell_toast(PsCheck *check, const char *about, HeapTuple row, TupleDesc desc)
{
	char	   *block = SPI_getvalue(row, desc, 1);
	char	   *offset = SPI_getvalue(row, desc, 2);
	char	   *message = SPI_getvalue(row, desc, 3);

	ps_put_finding(check, InvalidBlockNumber, InvalidOffsetNumber, PS_NO_ATTRIBUTE,
				   psprintf("%s, block %s, offset %s: %s", about,
							block ? block : "?", offset ? offset : "?", message ? message : "?"));
}

bool
ps_amcheck_toast(PsCheck *check, Oid toast)
{
	const Oid	types[] = {REGCLASSOID, BOOLOID, BOOLOID, TEXTOID, INT8OID, INT8OID};
	const Datum values[] = {ObjectIdGetDatum(toast)};
	char	   *function = amcheck_function("verify_heapam", buildoidvector(types, lengthof(types)));

	if (function == NULL)
		return false;

	/*
	 * each argument has its declared type, so that no other function fits as
	 * well
	 */
	run_query(check, psprintf("SELECT blkno, offnum, msg FROM %s($1, false, false, 'none'::pg_catalog.text, "
							  "NULL::pg_catalog.int8, NULL::pg_catalog.int8)", function), 1, types, values,
			  tell_toast, psprintf("TOAST table \"%s\"", get_rel_name(toast)));
	return true;
}

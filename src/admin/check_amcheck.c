/*
 * check_amcheck.c
 *		What amcheck checks of a pagestore table: its btree indexes, and the pages
 *		of its TOAST table, which is core's.
 *
 * amcheck is another extension, which may not be there.  Its functions are
 * found by their oids, never by a name that somebody else could have taken,
 * and called only for those who may.  They stop at the first thing wrong, by
 * an error: that is the finding.
 */
#include "postgres.h"

#include "admin/check_amcheck.h"
#include "admin/check_try.h"
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

/* A query, and who is told what it says, row by row. */
typedef struct AmcheckQuery
{
	const char *text;
	int			nargs;
	const Oid  *types;
	const Datum *values;
	void		(*tell) (PsCheck *check, const char *about, HeapTuple row, TupleDesc desc);
	const char *about;
} AmcheckQuery;

static void
run_query(PsCheck *check, void *arg)
{
	AmcheckQuery *query = arg;

	SPI_connect();
	if (SPI_execute_with_args(query->text, query->nargs, unconstify(Oid *, query->types),
							  unconstify(Datum *, query->values), NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not run \"%s\"", query->text);
	for (uint64 i = 0; query->tell && i < SPI_processed; i++)
		query->tell(check, query->about, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
	SPI_finish();
}

bool
ps_amcheck_index(PsCheck *check, Oid index, bool heapallindexed)
{
	const Oid	types[] = {REGCLASSOID, BOOLOID};
	const Datum values[] = {ObjectIdGetDatum(index), BoolGetDatum(heapallindexed)};
	char	   *function = amcheck_function("bt_index_check", buildoidvector(types, lengthof(types)));

	AmcheckQuery query = {.nargs = lengthof(types),.types = types,.values = values};

	if (function == NULL)
		return false;
	query.text = psprintf("SELECT %s($1, $2)", function);
	query.about = psprintf("index \"%s\"", get_rel_name(index));
	ps_check_try(check, query.about, run_query, &query);
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
	AmcheckQuery query = {.nargs = 1,.types = types,.values = values,.tell = tell_toast};

	if (function == NULL)
		return false;

	/*
	 * each argument has its declared type, so that no other function fits as
	 * well
	 */
	query.text = psprintf("SELECT blkno, offnum, msg FROM %s($1, false, false, 'none'::pg_catalog.text, "
						  "NULL::pg_catalog.int8, NULL::pg_catalog.int8)", function);
	query.about = psprintf("TOAST table \"%s\"", get_rel_name(toast));
	ps_check_try(check, query.about, run_query, &query);
	return true;
}

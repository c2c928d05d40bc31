/*
 * convert_all.c
 *		pagestore_convert_all(): all tables of a schema or database, each in a
 *		transaction of its own.
 *
 * A table that can't be converted, or whose lock can't be had within
 * lock_timeout, is skipped with a NOTICE that says why.  What has been
 * converted stays; called again, the procedure goes on with the rest.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "admin/convert.h"
#include "admin/progress.h"
#include "admin/switch.h"
#include "admin/try.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "commands/defrem.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "server/preload.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(pagestore_convert_all);

/* Tables of the schema (InvalidOid: of the database) that the access method would be a change for. */
static List *
tables_to_convert(Oid schema, Oid to)
{
	Relation	pg_class = table_open(RelationRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(pg_class, InvalidOid, false, NULL, 0, NULL);
	HeapTuple	tuple;
	List	   *relids = NIL;

	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class class = (Form_pg_class) GETSTRUCT(tuple);

		/* partitioned ones with an access method for partitions to come, too */
		if ((class->relkind == RELKIND_RELATION || class->relkind == RELKIND_MATVIEW ||
			 class->relkind == RELKIND_PARTITIONED_TABLE) &&
			class->oid >= FirstNormalObjectId &&
			(!OidIsValid(schema) || class->relnamespace == schema) &&
			ps_can_switch(class->relam, to))
			relids = lappend_oid(relids, class->oid);
	}
	systable_endscan(scan);
	table_close(pg_class, AccessShareLock);
	list_sort(relids, list_oid_cmp);
	return relids;
}

typedef struct Conversion
{
	Oid			relid;
	Oid			to;
	bool		dry_run;
	bool		changed;		/* or would be */
} Conversion;

static void
convert_listed(void *arg)
{
	Conversion *c = arg;

	c->changed = c->dry_run ? ps_could_convert(c->relid, c->to) : ps_convert(c->relid, c->to, false, false);
}

static void
convert_one(Oid relid, Oid to, bool dry_run, int64 *nconverted, int64 *nskipped)
{
	char	   *relname = get_rel_name(relid);
	char	   *schema = get_namespace_name(get_rel_namespace(relid));
	Conversion	conversion = {relid, to, dry_run, false};
	ErrorData  *error;

	if (relname == NULL || schema == NULL)
		return;					/* dropped since the list was made */
	error = ps_try(convert_listed, &conversion);

	/* the user, or statement_timeout, wants all of it to end */
	if (error && error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ReThrowError(error);
	if (error)
	{
		(*nskipped)++;
		ereport(NOTICE,
				(errmsg("skipped table %s: %s", quote_qualified_identifier(schema, relname), error->message),
				 error->hint ? errhint("%s", error->hint) : 0));
	}
	else if (conversion.changed)
	{
		(*nconverted)++;
		if (dry_run)
			ereport(NOTICE, (errmsg("would convert table %s", quote_qualified_identifier(schema, relname))));
	}
}

/*
 * SQL: pagestore_convert_all(access_method name, schema regnamespace,
 * dry_run boolean, INOUT converted bigint, INOUT skipped bigint)
 */
Datum
pagestore_convert_all(PG_FUNCTION_ARGS)
{
	Oid			schema = PG_ARGISNULL(1) ? InvalidOid : PG_GETARG_OID(1);
	bool		dry_run = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	bool		atomic = castNode(CallContext, fcinfo->context)->atomic;
	Oid			to;
	List	   *relids;
	ListCell   *lc;
	int64		nconverted = 0;
	int64		nskipped = 0;
	Datum		values[2];
	bool		nulls[2] = {false, false};
	TupleDesc	desc;

	ps_require_preloaded();
	if (!dry_run)
		PreventCommandIfReadOnly("pagestore_convert_all()");
	if (atomic && !dry_run)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("pagestore_convert_all() cannot run inside a transaction block"),
				 errhint("It commits after each table.  pagestore_convert() does not.")));
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("access method must not be null")));
	to = get_table_am_oid(NameStr(*PG_GETARG_NAME(0)), false);
	if (to != HEAP_TABLE_AM_OID && !ps_can_switch(HEAP_TABLE_AM_OID, to))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("can convert only between heap and pagestore")));

	/*
	 * what is allocated from here on outlives the transactions, until
	 * SPI_finish()
	 */
	if (SPI_connect_ext(SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect_ext failed");
	ps_progress_begin(PS_COMMAND_CONVERT, InvalidOid);
	ps_progress_set(PS_CONVERT_TO_HEAP, to == HEAP_TABLE_AM_OID);
	relids = tables_to_convert(schema, to);
	ps_progress_set(PS_CONVERT_TABLES_TOTAL, list_length(relids));
	foreach(lc, relids)
	{
		CHECK_FOR_INTERRUPTS();
		ps_progress_relation(lfirst_oid(lc));
		convert_one(lfirst_oid(lc), to, dry_run, &nconverted, &nskipped);
		if (!dry_run)
			SPI_commit();
		ps_progress_set(PS_CONVERT_PHASE, PS_CONVERT_INITIALIZING);
		ps_progress_set(PS_CONVERT_TABLES_DONE, foreach_current_index(lc) + 1);
		ps_progress_set(PS_CONVERT_TABLES_SKIPPED, nskipped);
	}
	ps_progress_end();
	SPI_finish();

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Int64GetDatum(nconverted);
	values[1] = Int64GetDatum(nskipped);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

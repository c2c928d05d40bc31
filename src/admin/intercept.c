/*
 * intercept.c
 *		Functions of contrib modules that read a table behind its access
 *		method, answered from where its pages are.
 *
 * They read shared buffers by block number, whatever the table's access
 * method.  Of a pagestore table these hold an older page at best, and
 * pg_check_visible() sets hint bits in it, which would be logged and written
 * over the newer one.  fmgr's hooks show us each call of such a function
 * with its arguments, however it is reached: by a constant, a column, a
 * function in SQL, a prepared statement, in a parallel worker.  For pagestore
 * tables contrib.c answers; the rest goes to the original.
 *
 * needs_fmgr_hook makes fmgr go through its handler for functions with a
 * SECURITY DEFINER clause, which calls fmgr_hook right before the function.
 * There we put gate() in the function's place, for this one call.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "admin/admin.h"
#include "admin/contrib.h"
#include "am/am.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_language_d.h"
#include "catalog/pg_proc.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

typedef struct Intercepted
{
	const char *library;		/* base name of the module's file */
	const char *symbol;
	int			required;		/* so many arguments must not be NULL */
	bool		by_name;		/* the first one names the relation as text,
								 * for superusers; else it is its oid */
	PsAnswer	answer;
	PGFunction	original;		/* of the call under way */
} Intercepted;

static Intercepted intercepted[] = {
	{"pg_visibility", "pg_visibility", 2, false, ps_answer_visibility},
	{"pg_visibility", "pg_visibility_rel", 1, false, ps_answer_visibility_rel},
	{"pg_visibility", "pg_check_visible", 1, false, ps_answer_check_visible},
	{"pg_visibility", "pg_check_frozen", 1, false, ps_answer_check_frozen},
	{"pageinspect", "get_raw_page", 2, true, ps_answer_raw_page},
	{"pageinspect", "get_raw_page_1_9", 2, true, ps_answer_raw_page_1_9},
	{"pageinspect", "get_raw_page_fork", 3, true, ps_answer_raw_page_fork},
	{"pageinspect", "get_raw_page_fork_1_9", 3, true, ps_answer_raw_page_fork_1_9},
	{"pg_prewarm", "pg_prewarm", 3, false, ps_answer_prewarm},
};

static needs_fmgr_hook_type prev_needs_fmgr = NULL;
static fmgr_hook_type prev_fmgr = NULL;

/* ---- which function is it? ---- */

static bool
text_is(const char *bytes, int len, const char *name)
{
	return strlen(name) == len && memcmp(bytes, name, len) == 0;
}

/* probin as CREATE FUNCTION has it: with or without a directory and a suffix. */
static bool
is_library(const char *path, int len, const char *library)
{
	int			suffix = strlen(DLSUFFIX);

	if (len > suffix && memcmp(path + len - suffix, DLSUFFIX, suffix) == 0)
		len -= suffix;
	for (int i = len; i > 0; i--)
		if (path[i - 1] == '/')
			return text_is(path + i, len - i, library);
	return text_is(path, len, library);
}

static text *
proc_text(HeapTuple proc, AttrNumber attribute)
{
	bool		isnull;
	Datum		value = SysCacheGetAttr(PROCOID, proc, attribute, &isnull);

	return isnull ? NULL : DatumGetTextPP(value);
}

static Intercepted *
find_symbol(const text *source, const text *library)
{
	if (source == NULL || library == NULL)
		return NULL;
	for (int i = 0; i < lengthof(intercepted); i++)
		if (text_is(VARDATA_ANY(source), VARSIZE_ANY_EXHDR(source), intercepted[i].symbol) &&
			is_library(VARDATA_ANY(library), VARSIZE_ANY_EXHDR(library), intercepted[i].library))
			return &intercepted[i];
	return NULL;
}

/*
 * Asked for each expression's functions, and each call of a SECURITY DEFINER
 * one: the catalog's row is in the cache, since fmgr has just looked at it.
 */
static Intercepted *
find(Oid function)
{
	HeapTuple	proc = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
	Intercepted *found = NULL;

	if (!HeapTupleIsValid(proc))
		return NULL;
	if (((Form_pg_proc) GETSTRUCT(proc))->prolang == ClanguageId)
		found = find_symbol(proc_text(proc, Anum_pg_proc_prosrc), proc_text(proc, Anum_pg_proc_probin));
	ReleaseSysCache(proc);
	return found;
}

/* ---- whose table is it? ---- */

static Relation
open_by_oid(Oid relid)
{
	/* of indexes the original locks the table first, others have no pages */
	if (!RELKIND_HAS_TABLE_AM(get_rel_relkind(relid)))
		return NULL;
	return try_relation_open(relid, AccessShareLock);
}

static Relation
open_by_name(const text *name)
{
	if (!superuser())
		return NULL;
	return relation_openrv_extended(makeRangeVarFromNameList(textToQualifiedNameList((text *) name)),
									AccessShareLock, true);
}

/* NULL if there is none: the original says so better. */
static Relation
open_relation(const Intercepted *fn, FunctionCallInfo fcinfo)
{
	if (PG_NARGS() < fn->required)
		return NULL;
	for (int i = 0; i < fn->required; i++)
		if (PG_ARGISNULL(i))
			return NULL;
	return fn->by_name ? open_by_name(PG_GETARG_TEXT_PP(0)) : open_by_oid(PG_GETARG_OID(0));
}

/* ---- the call ---- */

/*
 * Called in the original's place.  The relation stays locked while the
 * original works, so that it can't become ours meanwhile.
 */
static Datum
gate(PG_FUNCTION_ARGS)
{
	Intercepted *fn = find(fcinfo->flinfo->fn_oid);
	PGFunction	original = fn->original;
	Relation	rel;
	Datum		result;

	fcinfo->flinfo->fn_addr = original;

	/* in the middle of the set that it returns: a heap table's */
	if (fcinfo->flinfo->fn_extra != NULL)
		return original(fcinfo);

	rel = open_relation(fn, fcinfo);
	if (rel == NULL || !ps_is_pagestore(rel) || !fn->answer(fcinfo, rel, &result))
		result = original(fcinfo);
	Assert(rel == NULL || CheckRelationLockedByMe(rel, AccessShareLock, true));
	if (rel != NULL)
		relation_close(rel, AccessShareLock);
	return result;
}

static bool
needs_hook(Oid function)
{
	return (prev_needs_fmgr && prev_needs_fmgr(function)) || find(function) != NULL;
}

static void
at_function(FmgrHookEventType event, FmgrInfo *flinfo, Datum *private)
{
	if (prev_fmgr)
		prev_fmgr(event, flinfo, private);
	if (event == FHET_START)
	{
		Intercepted *fn = find(flinfo->fn_oid);

		/* gate() is still there if another's hook stopped the last call */
		if (fn != NULL && flinfo->fn_addr != gate)
		{
			fn->original = flinfo->fn_addr;
			flinfo->fn_addr = gate;
		}
	}
}

void
ps_intercept_init(void)
{
	prev_needs_fmgr = needs_fmgr_hook;
	needs_fmgr_hook = needs_hook;
	prev_fmgr = fmgr_hook;
	fmgr_hook = at_function;
}

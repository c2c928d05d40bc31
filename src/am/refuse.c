/*
 * refuse.c
 *		A library has called a function of the server that goes past the access
 *		method: the error that it gets.
 */
#include "postgres.h"

#include "am/am.h"
#include "am/outsiders.h"
#include "am/refuse.h"
#include "page/origin.h"
#include "postmaster/bgworker.h"

#include <dlfcn.h>

/* Base name of the library that holds an address, without its suffix. */
static char *
library_of(const void *address)
{
	Dl_info		info;
	const char *name = "a library";
	int			length;
	int			suffix = strlen(DLSUFFIX);

	if (dladdr(address, &info) != 0 && info.dli_fname != NULL)
	{
		const char *slash = strrchr(info.dli_fname, '/');

		name = slash ? slash + 1 : info.dli_fname;
	}
	length = strlen(name);
	if (length > suffix && strcmp(name + length - suffix, DLSUFFIX) == 0)
		length -= suffix;
	return pnstrdup(name, length);
}

void
ps_refuse_call(Relation rel, const char *function, const void *caller)
{
	char	   *library;
	const PsOutsider *outsider;

	if (!ps_is_pagestore(rel) || ps_origin(rel) != PS_POOL)
		return;
	library = library_of(caller);

	/* pg_prewarm(), begun in recovery (contrib.c), looks at none of it */
	if (strcmp(library, "pg_prewarm") == 0)
		return;
	outsider = ps_outsider(library);
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s cannot work on pagestore table \"%s\"", library, RelationGetRelationName(rel)),
			 errdetail("It called %s(), which goes past the table's access method.", function),
			 errhint("%s", outsider ? outsider->instead :
					 "Make it a heap table: SELECT pagestore_convert(table, 'heap').")));
}

bool
ps_is_autoprewarm_of(Relation rel)
{
	return MyBgworkerEntry != NULL && strcmp(MyBgworkerEntry->bgw_library_name, "pg_prewarm") == 0 &&
		ps_is_pagestore(rel) && ps_origin(rel) == PS_POOL;
}

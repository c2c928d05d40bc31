/*
 * preload.c
 *		Was the library loaded at server start?
 */
#include "postgres.h"

#include "server/preload.h"

bool		ps_preloaded = false;

void
ps_require_preloaded(void)
{
	if (!ps_preloaded)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("pagestore must be loaded at server start"),
				 errhint("Add pagestore to shared_preload_libraries in postgresql.conf and restart the server.")));
}

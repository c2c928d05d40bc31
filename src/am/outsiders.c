/*
 * outsiders.c
 *		Libraries that are known to change rows behind the access method.
 *
 * Each change that goes the wrong way is refused (behind.c); a worker of one of
 * these is refused before it makes any, so that the problem shows at the first
 * change and not only at the first one that goes the wrong way.
 */
#include "postgres.h"

#include "am/outsiders.h"
#include "page/origin.h"
#include "utils/guc.h"

static const PsOutsider outsiders[] = {
	{"pglogical", "pglogical.use_spi",
	"Set pglogical.use_spi, so that it applies changes by SQL, or use built-in logical replication."},
	{"bdr", NULL, "Use built-in logical replication."},
	{"pgactive", NULL, "Use built-in logical replication."},
	{"pg_rewrite", NULL, "Partition into heap tables and switch them by pagestore_convert()."},
};

const PsOutsider *
ps_outsider(const char *library)
{
	for (int i = 0; i < lengthof(outsiders); i++)
		if (strcmp(outsiders[i].library, library) == 0)
			return &outsiders[i];
	return NULL;
}

void
ps_refuse_worker(Relation rel)
{
	const PsOutsider *outsider = ps_outsider(MyBgworkerEntry->bgw_library_name);
	const char *setting = outsider && outsider->unless ? GetConfigOption(outsider->unless, true, false) : NULL;

	if (outsider == NULL || (setting != NULL && strcmp(setting, "on") == 0) || ps_origin(rel) != PS_POOL)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("%s cannot write to pagestore table \"%s\"",
					outsider->library, RelationGetRelationName(rel)),
			 errdetail("It changes rows behind the table's access method."),
			 errhint("%s", outsider->instead)));
}

/*
 * catalog.c
 *		The catalog as it was earlier in this transaction.
 */
#include "postgres.h"

#include "admin/catalog.h"
#include "catalog/pg_class.h"
#include "utils/snapmgr.h"

Snapshot
ps_register_catalog_at(CommandId command)
{
	Snapshot	snapshot = RegisterSnapshot(GetCatalogSnapshot(RelationRelationId));

	Assert(snapshot->copied);
	Assert(command <= snapshot->curcid);
	snapshot->curcid = command;
	return snapshot;
}

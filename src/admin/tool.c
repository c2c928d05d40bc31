/*
 * tool.c
 *		What the functions that look at one table, page by page, have in common.
 */
#include "postgres.h"

#include "access/relation.h"
#include "admin/tool.h"
#include "am/am.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "server/preload.h"
#include "utils/lsyscache.h"

/* A relation that is not there has no privileges to ask for: opening it says so. */
static void
check_privilege(Oid relid, AclMode need, Oid role)
{
	bool		is_missing = false;
	AclResult	acl;

	if (need == 0 || (OidIsValid(role) && has_privs_of_role(GetUserId(), role)))
		return;
	acl = pg_class_aclcheck_ext(relid, GetUserId(), need, &is_missing);
	if (acl != ACLCHECK_OK && !is_missing)
		aclcheck_error(acl, get_relkind_objtype(get_rel_relkind(relid)), get_rel_name(relid));
}

Relation
ps_tool_open(Oid relid, AclMode need, Oid role, const char *hint)
{
	Relation	rel;

	ps_require_preloaded();
	check_privilege(relid, need, role);
	rel = relation_open(relid, AccessShareLock);
	if (rel->rd_rel->relkind != RELKIND_RELATION && rel->rd_rel->relkind != RELKIND_MATVIEW)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table or materialized view", RelationGetRelationName(rel)),
				 errdetail_relkind_not_supported(rel->rd_rel->relkind)));
	if (!ps_is_pagestore(rel))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a pagestore table", RelationGetRelationName(rel)),
				 hint ? errhint("%s", hint) : 0));
	ps_check_own(rel);
	return rel;
}

void
ps_check_own(Relation rel)
{
	if (RELATION_IS_OTHER_TEMP(rel))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot access temporary tables of other sessions")));
}

void
ps_check_block_number(int64 block)
{
	if (block < 0 || block > MaxBlockNumber)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid block number")));
}

int64
ps_block_argument(FunctionCallInfo fcinfo, int n, const char *which, int64 nblocks, int64 fallback)
{
	int64		block;

	if (PG_NARGS() <= n || PG_ARGISNULL(n))
		return fallback;
	block = PG_GETARG_INT64(n);
	if (block < 0 || block >= nblocks)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s block number must be between 0 and %lld",
						which, (long long) (nblocks - 1))));
	return block;
}

BlockNumber
ps_next_block(void *range)
{
	PsBlockRange *r = range;

	return r->next < r->end ? r->next++ : InvalidBlockNumber;
}

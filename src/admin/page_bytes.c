/*
 * page_bytes.c
 *		pagestore_page(): the bytes of a page as it is now, for functions that
 *		take a page, as pageinspect's do.
 */
#include "postgres.h"

#include "access/relation.h"
#include "admin/page_bytes.h"
#include "admin/tool.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "page/guard.h"
#include "page/storage.h"

PG_FUNCTION_INFO_V1(pagestore_page);

bytea *
ps_page_bytes(Relation rel, int64 block)
{
	bytea	   *copy;
	PsPin		pin;
	PsRead		guard;

	ps_check_block_number(block);
	ps_check_own(rel);
	if (block >= ps_nblocks(rel))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("block number %u is out of range for relation \"%s\"",
						(BlockNumber) block, RelationGetRelationName(rel))));

	copy = palloc(VARHDRSZ + BLCKSZ);
	SET_VARSIZE(copy, VARHDRSZ + BLCKSZ);
	pin = ps_pin(rel, block);
	ps_read_lock(rel, &pin, &guard);
	memcpy(VARDATA(copy), guard.page, BLCKSZ);
	ps_read_unlock(&guard);
	ps_unpin(&pin);
	return copy;
}

/*
 * SQL: pagestore_page(relation regclass, blkno bigint) returns bytea
 *
 * For superusers, as get_raw_page(): a page has rows that nobody may see.
 */
Datum
pagestore_page(PG_FUNCTION_ARGS)
{
	Relation	rel;
	bytea	   *bytes;

	if (!superuser())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("must be superuser to use raw page functions")));
	rel = ps_tool_open(PG_GETARG_OID(0), 0, InvalidOid, "get_raw_page() reads pages of other relations.");
	bytes = ps_page_bytes(rel, PG_GETARG_INT64(1));
	relation_close(rel, AccessShareLock);
	PG_RETURN_BYTEA_P(bytes);
}

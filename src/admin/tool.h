/*
 * tool.h
 *		What the functions that look at one table, page by page, have in common.
 */
#ifndef PAGESTORE_ADMIN_TOOL_H
#define PAGESTORE_ADMIN_TOOL_H

#include "fmgr.h"
#include "utils/acl.h"
#include "utils/rel.h"

/*
 * The table, under AccessShareLock: writers go on.  If need is not 0, the
 * caller must have that privilege on it or be a member of role (InvalidOid: no
 * role will do instead), which is asked before the lock.  ereport(ERROR) for
 * anything but a table or materialized view of pagestore that this session can
 * read; hint (may be NULL) says what to use for a table of heap.
 */
extern Relation ps_tool_open(Oid relid, AclMode need, Oid role, const char *hint);

/* ereport(ERROR) for a temporary table of another session, whose pages are there alone. */
extern void ps_check_own(Relation rel);

/* ereport(ERROR) for what can't be a block's number. */
extern void ps_check_block_number(int64 block);

/*
 * Argument n of a function, the number of one of the table's blocks ("starting",
 * "ending"): ereport(ERROR) for another.  fallback if it is NULL or not there.
 */
extern int64 ps_block_argument(FunctionCallInfo fcinfo, int n, const char *which,
							   int64 nblocks, int64 fallback);

/* The next of a range of blocks: a callback for streams. */
typedef struct PsBlockRange
{
	BlockNumber next;
	BlockNumber end;
} PsBlockRange;

extern BlockNumber ps_next_block(void *range);

#endif							/* PAGESTORE_ADMIN_TOOL_H */

/*
 * switch.h
 *		Change a table between heap and pagestore by its row in pg_class.
 */
#ifndef PAGESTORE_ADMIN_SWITCH_H
#define PAGESTORE_ADMIN_SWITCH_H

#include "nodes/plannodes.h"
#include "utils/relcache.h"

/* Both have pages of heap's format: a table goes from one to the other as it is. */
extern bool ps_can_switch(Oid from, Oid to);

/*
 * Give the relation, which has storage and access method from, the access
 * method to; ps_can_switch() says yes to them.  The caller holds
 * AccessExclusiveLock on it, has it closed, and has seen that the user may and
 * that it is not in use.  Rows, indexes, TOAST table, statistics and
 * relfrozenxid stay.  ereport(ERROR) for a table that belongs to an extension,
 * unless force; may write out the pages that the table has in memory.
 */
extern void ps_switch(Oid relid, Oid from, Oid to, bool force);

/*
 * The relation, which is open with a lock of any kind, may soon be switched:
 * write out its changed pages, so that few are left to write when
 * AccessExclusiveLock keeps others waiting.  Does nothing if this process has
 * it open for something else, too.
 */
extern void ps_switch_prepare(Relation rel, Oid to);

/*
 * ALTER TABLE is about to run.  If it changes the access method between heap
 * and pagestore, and does nothing for which the table may be rewritten, the
 * change is made here, and core finds that there is nothing to do for it.
 * Everything else, and every error but those of ps_switch(), is left to core.
 * Gives the statement to run: the same, or a copy that names the table by its
 * schema.
 */
extern PlannedStmt *ps_switch_before_alter(PlannedStmt *pstmt);

#endif							/* PAGESTORE_ADMIN_SWITCH_H */

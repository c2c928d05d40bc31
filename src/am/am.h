/*
 * am.h
 *		What a relation or an access method is to us.
 */
#ifndef PAGESTORE_AM_AM_H
#define PAGESTORE_AM_AM_H

#include "catalog/pg_class.h"
#include "utils/rel.h"

/* Does this relation use our access method? */
extern bool ps_is_pagestore(Relation rel);

/* Is this access method ours, by whatever name? */
extern bool ps_is_pagestore_am(Oid amoid);

/*
 * A table is to have this access method: nobody drops it until the transaction
 * ends.  ereport(ERROR) if somebody has.  May wait.
 */
extern void ps_am_lock(Oid amoid);

/* Rows of tables and materialized views can have values in a TOAST table. */
static inline bool
ps_can_toast(Relation rel)
{
	return rel->rd_rel->relkind == RELKIND_RELATION ||
		rel->rd_rel->relkind == RELKIND_MATVIEW;
}

#endif							/* PAGESTORE_AM_AM_H */

/*
 * modify.h
 *		What the callbacks that change rows share.
 */
#ifndef PAGESTORE_AM_MODIFY_H
#define PAGESTORE_AM_MODIFY_H

#include "access/heapam.h"
#include "access/heaptoast.h"
#include "am/place.h"
#include "utils/rel.h"

/*
 * Stamp a tuple as inserted by this command, and toast it if need be: returns
 * the tuple itself or a toasted copy.
 */
extern HeapTuple ps_prepare_insert(Relation rel, HeapTuple tuple, CommandId cid, int options);

/* Insert one tuple; t_self tells where it went.  options: HEAP_INSERT_*. */
extern void ps_insert_tuple(Relation rel, HeapTuple tuple, CommandId cid, int options);

/* Rows of tables and materialized views can have values in a TOAST table. */
static inline bool
ps_can_toast(Relation rel)
{
	return rel->rd_rel->relkind == RELKIND_RELATION ||
		rel->rd_rel->relkind == RELKIND_MATVIEW;
}

#endif							/* PAGESTORE_AM_MODIFY_H */

/*
 * behind.h
 *		Code that works on tables behind their access method: refused.
 */
#ifndef PAGESTORE_AM_BEHIND_H
#define PAGESTORE_AM_BEHIND_H

#include "postmaster/bgworker.h"
#include "utils/rel.h"

extern void ps_behind_init(void);	/* in _PG_init */

/*
 * ereport(ERROR) in a worker of a library that is known to change rows behind
 * the access method: asked when a slot for the table's rows is made, which
 * such a worker has to do before it changes one.
 */
extern void ps_refuse_worker(Relation rel);

static inline void
ps_refuse_outsiders(Relation rel)
{
	if (unlikely(MyBgworkerEntry != NULL))
		ps_refuse_worker(rel);
}

#endif							/* PAGESTORE_AM_BEHIND_H */

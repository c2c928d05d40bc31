/*
 * outsiders.h
 *		Libraries that are known to change rows behind the access method.
 */
#ifndef PAGESTORE_AM_OUTSIDERS_H
#define PAGESTORE_AM_OUTSIDERS_H

#include "postmaster/bgworker.h"
#include "utils/rel.h"

typedef struct PsOutsider
{
	const char *library;
	const char *unless;			/* a setting: on, it goes by SQL instead */
	const char *instead;		/* what to do, for a hint */
} PsOutsider;

/* By the base name of the library; NULL if it is not known for that. */
extern const PsOutsider *ps_outsider(const char *library);

/*
 * ereport(ERROR) in a worker of such a library, where the pool has the table:
 * asked when a slot for the table's rows is made, which such a worker has to do
 * before it changes one.
 */
extern void ps_refuse_worker(Relation rel);

static inline void
ps_refuse_outsiders(Relation rel)
{
	if (unlikely(MyBgworkerEntry != NULL))
		ps_refuse_worker(rel);
}

#endif							/* PAGESTORE_AM_OUTSIDERS_H */

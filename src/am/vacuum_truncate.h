/*
 * vacuum_truncate.h
 *		VACUUM gives the empty tail of a table back.
 */
#ifndef PAGESTORE_AM_VACUUM_TRUNCATE_H
#define PAGESTORE_AM_VACUUM_TRUNCATE_H

#include "am/vacuum_state.h"

/*
 * If it is worth a try, and as far as the lock can be had without waiting for
 * it in the queue.  v->pages becomes what is left.
 */
extern void ps_vacuum_truncate(PsVacuum *v);

#endif							/* PAGESTORE_AM_VACUUM_TRUNCATE_H */

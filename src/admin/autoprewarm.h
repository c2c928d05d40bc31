/*
 * autoprewarm.h
 *		Pages that were in the pool when the server stopped are read back after a
 *		start.
 */
#ifndef PAGESTORE_ADMIN_AUTOPREWARM_H
#define PAGESTORE_ADMIN_AUTOPREWARM_H

#include "postgres.h"

/* Settings, registered in pagestore.c. */
extern bool ps_autoprewarm;		/* pagestore.autoprewarm */
extern int	ps_autoprewarm_interval;	/* pagestore.autoprewarm_interval, s */

/* In _PG_init, after the pool's own workers: they come first if slots are few. */
extern void ps_autoprewarm_register(void);

/*
 * A command wants the database for itself: if pages are being read back there,
 * have that end, and wait for it, some seconds at most.  Serves interrupts.
 */
extern void ps_autoprewarm_leave(Oid database);

extern Size ps_autoprewarm_shmem_size(void);
extern void ps_autoprewarm_shmem_init(void);

#endif							/* PAGESTORE_ADMIN_AUTOPREWARM_H */

/*
 * preload.h
 *		Was the library loaded at server start?  Nothing works without.
 */
#ifndef PAGESTORE_PRELOAD_H
#define PAGESTORE_PRELOAD_H

#include "postgres.h"

/* Set once by _PG_init() in the postmaster; inherited by every process. */
extern bool ps_preloaded;

/*
 * ereport(ERROR) unless the library was loaded by shared_preload_libraries.
 * Every way into a pagestore table goes through the handler, which calls this.
 */
extern void ps_require_preloaded(void);

#endif							/* PAGESTORE_PRELOAD_H */

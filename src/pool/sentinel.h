/*
 * sentinel.h
 *		The background worker without which no checkpoint completes.
 */
#ifndef PAGESTORE_POOL_SENTINEL_H
#define PAGESTORE_POOL_SENTINEL_H

#include "postgres.h"

/* Its main function, found by name. */
extern PGDLLEXPORT void ps_sentinel_main(Datum arg);

#endif							/* PAGESTORE_POOL_SENTINEL_H */

/*
 * writer.h
 *		The background worker that keeps clean frames ready.
 */
#ifndef PAGESTORE_POOL_WRITER_H
#define PAGESTORE_POOL_WRITER_H

#include "postgres.h"

/* Its main function, found by name. */
extern PGDLLEXPORT void ps_writer_main(Datum arg);

#endif							/* PAGESTORE_POOL_WRITER_H */

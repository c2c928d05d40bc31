/*
 * setup.h
 *		Set-up of the I/O layer, called from pagestore.c.
 */
#ifndef PAGESTORE_IO_SETUP_H
#define PAGESTORE_IO_SETUP_H

#include "postgres.h"

/* Callbacks, in _PG_init. */
extern void ps_io_init_hooks(void);

/* Shared memory of files and methods; init also in each process that attaches it. */
extern Size ps_io_shmem_size(void);
extern void ps_io_shmem_init(void);

#endif							/* PAGESTORE_IO_SETUP_H */

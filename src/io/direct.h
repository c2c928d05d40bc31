/*
 * direct.h
 *		Which tablespaces lie on file systems that refuse O_DIRECT.
 */
#ifndef PAGESTORE_IO_DIRECT_H
#define PAGESTORE_IO_DIRECT_H

#include "postgres.h"

/* Are its files to be opened O_DIRECT? */
extern bool ps_direct_works(Oid tablespace);

/*
 * A file there refused it: from now on every process uses the tablespace's
 * files buffered, which is logged once.
 */
extern void ps_direct_refused(Oid tablespace, const char *path);

extern Size ps_direct_shmem_size(void);
extern void ps_direct_shmem_init(void);

#endif							/* PAGESTORE_IO_DIRECT_H */

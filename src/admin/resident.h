/*
 * resident.h
 *		Which pages were in the pool: collected, written to a file of the data
 *		directory, read back.
 */
#ifndef PAGESTORE_ADMIN_RESIDENT_H
#define PAGESTORE_ADMIN_RESIDENT_H

#include "postgres.h"
#include "server/compat.h"
#include "storage/block.h"

#define PS_RESIDENT_FILE "pagestore.resident"

/* Adjacent pages of a relation. */
typedef struct PsResidentRun
{
	RelFileLocator rlocator;
	BlockNumber first;
	uint32		n;
} PsResidentRun;

/* By database, tablespace, relation and block; palloc'd in CurrentMemoryContext. */
typedef struct PsResident
{
	PsResidentRun *runs;
	uint32		nruns;
	uint64		npages;
} PsResident;

/* What is in the pool now, more or less. */
extern PsResident ps_resident_collect(void);

/* Replace the file, as a whole or not at all.  False, with the cause in the log: the old one is still there. */
extern bool ps_resident_write(const PsResident *resident);

/* False: there is no file, or one that can't be used, which the log says. */
extern bool ps_resident_read(PsResident *resident);

extern void ps_resident_free(PsResident *resident);

#endif							/* PAGESTORE_ADMIN_RESIDENT_H */

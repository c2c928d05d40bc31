/*
 * notice.h
 *		Which files have become doubtful: a ring of notices in shared memory.
 */
#ifndef PAGESTORE_IO_NOTICE_H
#define PAGESTORE_IO_NOTICE_H

#include "postgres.h"
#include "server/compat.h"

#define PS_NOTICES 256			/* kept; power of two */

/*
 * Make every process close its cached descriptors of the relation before next
 * use: called when its files go away or shrink, or its number begins a new
 * life.  An invalid oid stands for all: {0, db, 0} is a whole database.
 */
extern void ps_file_invalidate(RelFileLocator rlocator);

/* Is the notice about this relation? */
extern bool ps_notice_concerns(const RelFileLocator *notice, const RelFileLocator *rlocator);

/*
 * What this process has not taken yet: into fresh, which has room for
 * PS_NOTICES; one that stands for all if there were more.  skip: what has been
 * given so far does not concern it.
 */
extern bool ps_notice_pending(void);
extern int	ps_notice_take(RelFileLocator *fresh);
extern void ps_notice_skip(void);

extern Size ps_notice_shmem_size(void);
extern void ps_notice_shmem_init(void);

#endif							/* PAGESTORE_IO_NOTICE_H */

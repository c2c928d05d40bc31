/*
 * check_hash.h
 *		Hash indexes, for pagestore_check().
 */
#ifndef PAGESTORE_ADMIN_CHECK_HASH_H
#define PAGESTORE_ADMIN_CHECK_HASH_H

#include "admin/check_entries.h"
#include "admin/check_found.h"

/* Is each row that the snapshot sees found by its own value?  Returns how many pages were compared as such. */
extern BlockNumber ps_check_hash_rows(PsCheck *check, Relation index, Snapshot snapshot);

/*
 * All entries.  Goes through the index as VACUUM does:
 * ShareUpdateExclusiveLock on the table is held, and this is not recovery.  It
 * waits for scans that are in a bucket: none of them may be this session's.
 */
extern TIDBitmap *ps_check_hash_entries(Relation rel, Relation index);

#endif							/* PAGESTORE_ADMIN_CHECK_HASH_H */

/*
 * check_brin.h
 *		brin indexes, for pagestore_check().
 */
#ifndef PAGESTORE_ADMIN_CHECK_BRIN_H
#define PAGESTORE_ADMIN_CHECK_BRIN_H

#include "admin/check_found.h"
#include "utils/snapshot.h"

/* Does each range's summary cover the rows of it that the snapshot sees? */
extern void ps_check_brin(PsCheck *check, Relation index, Snapshot snapshot);

#endif							/* PAGESTORE_ADMIN_CHECK_BRIN_H */

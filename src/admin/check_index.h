/*
 * check_index.h
 *		Indexes, for pagestore_check().
 */
#ifndef PAGESTORE_ADMIN_CHECK_INDEX_H
#define PAGESTORE_ADMIN_CHECK_INDEX_H

#include "admin/check_found.h"

/*
 * Every index of the table: if compare, against the table's rows, which were
 * found sound; else what can be told without.  A WARNING for one that can't be
 * checked.
 */
extern void ps_check_indexes(PsCheck *check, bool compare);

#endif							/* PAGESTORE_ADMIN_CHECK_INDEX_H */

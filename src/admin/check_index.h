/*
 * check_index.h
 *		Indexes, for pagestore_check().
 */
#ifndef PAGESTORE_ADMIN_CHECK_INDEX_H
#define PAGESTORE_ADMIN_CHECK_INDEX_H

#include "admin/check_found.h"

/*
 * Every index of the table: with the table's rows, which were found sound, if
 * compare; else what can be told without.  One that can't be checked is a
 * WARNING.
 */
extern void ps_check_indexes(PsCheck *check, bool compare);

#endif							/* PAGESTORE_ADMIN_CHECK_INDEX_H */

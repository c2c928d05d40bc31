/*
 * check_amcheck.h
 *		What amcheck finds, for pagestore_check().
 */
#ifndef PAGESTORE_ADMIN_CHECK_AMCHECK_H
#define PAGESTORE_ADMIN_CHECK_AMCHECK_H

#include "admin/check_found.h"

/*
 * Have amcheck look at an index (bt_index_check()), or at the pages of a TOAST
 * table (verify_heapam()).  False: the extension is not installed, or not for
 * this user.
 */
extern bool ps_amcheck_index(PsCheck *check, Oid index, bool heapallindexed);
extern bool ps_amcheck_toast(PsCheck *check, Oid toast);

#endif							/* PAGESTORE_ADMIN_CHECK_AMCHECK_H */

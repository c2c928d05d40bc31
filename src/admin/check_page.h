/*
 * check_page.h
 *		Line pointers and HOT chains, for pagestore_check().
 */
#ifndef PAGESTORE_ADMIN_CHECK_PAGE_H
#define PAGESTORE_ADMIN_CHECK_PAGE_H

#include "admin/check_found.h"

/*
 * The page at hand.  Its header is sound; no more is taken for granted.  The
 * caller holds whatever latch keeps the bytes still.
 */
extern void ps_check_page(PsCheck *check, const char *page);

#endif							/* PAGESTORE_ADMIN_CHECK_PAGE_H */

/*
 * compare.h
 *		Two images of a page: does one hold all that the other does?
 */
#ifndef PAGESTORE_PAGE_COMPARE_H
#define PAGESTORE_PAGE_COMPARE_H

#include "postgres.h"

/*
 * Does page a hold all that page b holds?  Line pointers in use, tuples, and
 * what has been done to them; not hint bits, nor flags of the page.  Both have
 * passed ps_page_check().
 */
extern bool ps_page_contains(const char *a, const char *b);

/*
 * Is all that a has at line pointers that b does not use the work of
 * transactions from xid on (InvalidTransactionId: of none)?  What is older b may
 * have had, and lost by VACUUM.
 */
extern bool ps_page_adds_only_since(const char *a, const char *b, TransactionId xid);

#endif							/* PAGESTORE_PAGE_COMPARE_H */

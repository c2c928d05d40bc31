/*
 * check_found.h
 *		What the parts of pagestore_check() share, and the findings.
 *
 * check.c goes through the table's pages; check_page.c judges the line pointers
 * and HOT chains of one, check_row.c its rows, check_xid.c their transactions,
 * check_toast.c looks up values in the TOAST table, check_index.c compares
 * indexes with rows, check_amcheck.c has amcheck look at what is core's.
 */
#ifndef PAGESTORE_ADMIN_CHECK_FOUND_H
#define PAGESTORE_ADMIN_CHECK_FOUND_H

#include "postgres.h"
#include "access/transam.h"
#include "nodes/execnodes.h"
#include "nodes/pg_list.h"
#include "server/compat.h"
#include "storage/block.h"
#include "storage/off.h"
#include "utils/rel.h"

#define PS_NO_ATTRIBUTE (-1)

/* A value that lies out of line, to be looked up when the page's latch is gone. */
typedef struct PsToasted
{
	BlockNumber block;
	OffsetNumber offset;
	int			attribute;		/* from 0, as verify_heapam counts */
	struct varatt_external pointer;
} PsToasted;

typedef struct PsCheck
{
	Relation	rel;
	ReturnSetInfo *result;
	MemoryContext page_context; /* what is found on a page; reset after it */

	/* the page at hand, and what was found on it */
	BlockNumber block;
	List	   *findings;		/* of Finding */
	List	   *toasted;		/* of PsToasted */
	bool		is_image;		/* a private image of the page: what would be
								 * found wrong by the commit log of now may
								 * just be old */
	bool		look_again;		/* ... and something would: take the page */

	const PsToasted *looking_up;	/* in the TOAST table, if so */
	uint64		nfound;			/* in all */

	/* check_xid.c */
	TransactionId relfrozenxid; /* when the check began */
	MultiXactId relminmxid;
	TransactionId oldest_xid;
	FullTransactionId next_xid;
	MultiXactId oldest_multi;
	MultiXactId next_multi;
	TransactionId known_xid;	/* the one asked for last, and its state */
	int			known_state;
	TransactionId safe_xmin;	/* rows that this one or later ones delete are
								 * not vacuumed while we run */

	/* check_toast.c; NULL if it is not to look */
	Relation	toast_rel;
	Relation   *toast_indexes;
	int			ntoast_indexes;
	Relation	toast_index;
} PsCheck;

/* About the page at hand; offset 0: about all of it.  A latch may be held. */
extern void ps_found(PsCheck *check, OffsetNumber offset, int attribute,
					 const char *format,...) pg_attribute_printf(4, 5);

/* Has anything been found on it? */
static inline bool
ps_found_any(const PsCheck *check)
{
	return check->findings != NIL;
}

/* Rows of the result of what was found on it.  No latch held. */
extern void ps_put_found(PsCheck *check);

/* Begin with a page: forget what was found on another, and free its memory. */
extern void ps_forget_found(PsCheck *check);

/* One row of the result at once; no latch held.  An invalid block: about none. */
extern void ps_put_finding(PsCheck *check, BlockNumber block, OffsetNumber offset, int attribute,
						   const char *message);

#endif							/* PAGESTORE_ADMIN_CHECK_FOUND_H */

/*
 * check_row.h
 *		Rows, for pagestore_check().
 */
#ifndef PAGESTORE_ADMIN_CHECK_ROW_H
#define PAGESTORE_ADMIN_CHECK_ROW_H

#include "access/htup_details.h"
#include "admin/check_xid.h"

/* What chains need to know of a row. */
typedef struct PsRowState
{
	bool		is_sound;		/* the rest is right */
	TransactionId xmin;
	PsXidState	inserted;
	TransactionId update;		/* xmax, or the one that updates of a
								 * multixact; invalid if there is none */
	PsXidState	updated;
} PsRowState;

/* The header lies within the page, as far as len tells. */
extern PsRowState ps_check_row(PsCheck *check, const HeapTupleHeaderData *header, uint32 len,
							   OffsetNumber offset);

#endif							/* PAGESTORE_ADMIN_CHECK_ROW_H */

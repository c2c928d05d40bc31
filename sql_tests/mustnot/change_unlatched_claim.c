/*
 * A claimed row is changed under its latch.
 *
 * clang: calling function 'ps_mark_dirty' requires holding write guard 'claim->guard' exclusively
 */
#include "postgres.h"

#include "page/guard.h"
#include "page/view.h"
#include "row/claim.h"

extern void change(PsClaim *claim, Relation rel, ItemPointer tid);

void
change(PsClaim *claim, Relation rel, ItemPointer tid)
{
	ps_claim_open(claim, rel, tid);
	ps_mark_dirty(&claim->guard);
	ps_claim_unlatch(claim);
#ifdef FAULT
	ps_mark_dirty(&claim->guard);
#endif
	ps_claim_close(claim);
}

/*
 * share.h
 *		Pieces that scans of one table around the pool read for one another.
 *
 * A scan that is about to read a piece of its table asks here first.  Another
 * scan may have read it lately: then its bytes are copied.  Or be reading it:
 * then it is awaited.  Else the scan reads it, and if others will come to it
 * soon, it claims the piece, and passes its bytes on when they are there: by a
 * copy, into one of a few places in shared memory.
 *
 *				 ps_share_take(), for one	   ps_share_pass_on()
 *	  EMPTY -------------------------> CLAIMED --------------> FILLING ----> FULL
 *	  ^ ^ ^	  that others want			|						 |			  |
 *	  | | +-- dropped, by its scan or --+		 revoked by a	 v			  |
 *	  | |	  one tired of waiting				 waiter		  FORSAKEN		  |
 *	  | +----------------------------------------------------- +			  |
 *	  +---- outdated, in the way of a newer one, or the last scan has left ---+
 *
 * Nobody waits for a scan that does not go on for long, no place is pinned by
 * one that rests, and bytes are copied under no lock.
 *
 * All functions take PagestoreShare, a leaf, and throw nothing unless told.
 */
#ifndef PAGESTORE_POOL_SHARE_H
#define PAGESTORE_POOL_SHARE_H

#include "pool/pieces.h"
#include "pool/tag.h"

#define PS_NO_SCAN (-1)

/*
 * A scan of a table of nblocks goes around the pool from here on; the caller
 * has a lock on the table until ps_share_leave().  Processes of one parallel
 * query count as one.  PS_NO_SCAN: too many of them, it goes alone.
 */
extern int	ps_share_join(RelFileLocator rlocator, BlockNumber nblocks);

/* Its claims are dropped.  What scans of the table have passed on goes with the last one. */
extern void ps_share_leave(int scan);

/* What becomes of a piece that a scan has asked for. */
typedef enum PsShareAnswer
{
	PS_SHARE_READ,				/* the caller is to read it */
	PS_SHARE_CLAIMED,			/* ... and then to pass it on, or drop it */
	PS_SHARE_COPIED,			/* here it is */
	PS_SHARE_AWAIT				/* another scan reads it: ask again */
} PsShareAnswer;

/*
 * The scan wants these blocks of one piece, and then those that follow (go
 * before, backward).  COPIED: bytes has them, read after *sequence was noted.
 * *company: other scans are under way.
 */
extern PsShareAnswer ps_share_take(int scan, BlockNumber first, int n, bool backward,
								   char *bytes, uint32 *sequence, bool *company);

/* Claim blocks that the scan has asked for before, if there are others by now that will want them. */
extern bool ps_share_claim(int scan, BlockNumber first, int n);

/*
 * n pages, from the first one claimed on, have come since *sequence was noted.
 * Nothing happens if they are fewer than claimed, or the claim was revoked.
 */
extern void ps_share_pass_on(int scan, BlockNumber first, int n, const char *bytes, uint32 sequence);

/* The claim comes to nothing. */
extern void ps_share_drop(int scan, BlockNumber first);

/* Wait a moment for a piece that is awaited.  Serves interrupts. */
extern void ps_share_wait(int scan, BlockNumber first, int n);

/* Whoever reads these blocks keeps the others waiting: all its claims are void. */
extern void ps_share_revoke(int scan, BlockNumber first, int n);

extern Size ps_share_shmem_size(void);
extern void ps_share_shmem_init(void);

#endif							/* PAGESTORE_POOL_SHARE_H */

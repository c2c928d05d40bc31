/*
 * window.h
 *		How far a scan that knows its pages to come reads ahead of their use.
 */
#ifndef PAGESTORE_AM_WINDOW_H
#define PAGESTORE_AM_WINDOW_H

#include "page/pin.h"

#define PS_WINDOW_MAX 128		/* most pages on their way for one scan */

/*
 * What is on its way for a scan, by a key that grows along the scan.  How far
 * to read ahead starts at nothing, so that a scan that ends at its first row
 * reads no page in vain, and doubles with use.  While all pages are found in
 * memory the scan does not look ahead, until it has to read one.
 */
typedef struct PsWindow
{
	uint32		keys[PS_WINDOW_MAX];
	int			first;
	int			count;
	int			depth;
	int			idle;			/* looks ahead in a row that started no read */
	BlockNumber found[PS_WINDOW_MAX];	/* by the look that is going on */
	int			nfound;
} PsWindow;

/* The scan has come to key: what lies before it is not on its way any more. */
extern void ps_window_pass(PsWindow *w, uint32 key);

/* A page to be read, by a look ahead; there is room for it if count is less than depth. */
extern void ps_window_push(PsWindow *w, uint32 key, BlockNumber block);

/* The end of the look: the pages found are read, together. */
extern void ps_window_done(PsWindow *w, Relation rel);

/*
 * Is it time to look further ahead?  Not before half of the window has been
 * used up, so that adjacent blocks are asked for together.
 */
extern bool ps_window_wants(PsWindow *w);

/* Have the pages been in memory?  missed: the page that the scan comes from had to be read. */
extern bool ps_window_rests(PsWindow *w, bool missed);

#endif							/* PAGESTORE_AM_WINDOW_H */

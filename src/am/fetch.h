/*
 * fetch.h
 *		State of the fetches of one index scan.
 */
#ifndef PAGESTORE_AM_FETCH_H
#define PAGESTORE_AM_FETCH_H

#include "access/relscan.h"
#include "page/guard.h"

typedef struct PsIndexFetch
{
	IndexFetchTableData base;
	PsPin		pin;			/* page of the row fetched last, kept for the
								 * next */
	TransactionId xmin;			/* raw xmin of the row fetched last, to know
								 * it again by */
	struct PsIndexAhead *ahead; /* read-ahead (readahead.c), NULL: none, or
								 * not looked for yet */
	bool		ahead_sought;
} PsIndexFetch;

#endif							/* PAGESTORE_AM_FETCH_H */

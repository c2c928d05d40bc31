/*
 * chain.h
 *		HOT chains: from a line pointer to the version a snapshot sees.
 */
#ifndef PAGESTORE_ROW_CHAIN_H
#define PAGESTORE_ROW_CHAIN_H

#include "row/visibility.h"

/*
 * Follow the HOT chain that starts at *tid (or, unless first_call, goes on
 * behind *tid) to the member the snapshot sees; *tid and *row become
 * that member's.  *all_dead (may be NULL) tells that every member is dead to everybody.
 * Takes predicate locks and reports conflicts as heap_hot_search_buffer() does.
 */
extern bool ps_chain_search(const PsRead *guard, ItemPointer tid, Snapshot snapshot,
							PsRow *row, bool *all_dead, bool first_call);

#endif							/* PAGESTORE_ROW_CHAIN_H */

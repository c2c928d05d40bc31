/*
 * btree_leaf.h
 *		Which leaf page of a btree index has the entries of given keys.
 *
 * The answer comes from the pages above the leaves, of which there are few, so
 * that they lie in shared buffers: with it leaf pages can be read ahead.  It
 * is a guess, since the tree may change meanwhile.
 */
#ifndef PAGESTORE_AM_BTREE_LEAF_H
#define PAGESTORE_AM_BTREE_LEAF_H

#include "access/skey.h"
#include "utils/relcache.h"

typedef struct PsLeafSearch PsLeafSearch;

/*
 * A search by those of the index scan's keys that demand equality in leading
 * columns; NULL if there is none, or the index is no btree.  The keys are
 * looked at in each search, with the values that they have then.  In
 * CurrentMemoryContext.
 */
extern PsLeafSearch *ps_leaf_search(Relation index, const ScanKeyData *keys, int nkeys);

/*
 * The leaf page, or InvalidBlockNumber: a key is null, which no entry equals,
 * or the tree has no page above its leaves.  May read pages above the leaves;
 * locks them shared, one at a time.  Throws what a scan of the index with these
 * keys would.
 */
extern BlockNumber ps_leaf_find(PsLeafSearch *search);

#endif							/* PAGESTORE_AM_BTREE_LEAF_H */

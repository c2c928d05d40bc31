/*
 * btree_leaf.c
 *		Which leaf page of a btree index has the entries of given keys.
 *
 * This goes down the tree as a scan does, but stops above the leaf, and never
 * moves to the right: where a page has been split since its downlink was read,
 * the guess is a page of the neighbourhood.
 */
#include "postgres.h"

#include "access/nbtree.h"
#include "am/btree_leaf.h"
#include "catalog/pg_am_d.h"
#include "server/compat.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

struct PsLeafSearch
{
	Relation	index;
	bool		begun;			/* the metapage has been asked for its version */
	const ScanKeyData *equal[INDEX_MAX_KEYS];	/* the scan's key for each
												 * leading column */
	BTScanInsertData key;		/* what pages are searched by */
};

/* The first key that demands a single value of the column, or NULL. */
static const ScanKeyData *
equality_of(const ScanKeyData *keys, int nkeys, AttrNumber column)
{
	for (int i = 0; i < nkeys; i++)
	{
		if (keys[i].sk_attno == column && keys[i].sk_strategy == BTEqualStrategyNumber &&
			(keys[i].sk_flags & (SK_ROW_HEADER | SK_ROW_MEMBER | SK_SEARCHARRAY)) == 0)
			return &keys[i];
	}
	return NULL;
}

/* How values of the key's type compare with the column's; InvalidOid: the operator family does not say. */
static RegProcedure
comparison_of(Relation index, int column, const ScanKeyData *key)
{
	Oid			type = index->rd_opcintype[column];

	return get_opfamily_proc(index->rd_opfamily[column], type,
							 OidIsValid(key->sk_subtype) ? key->sk_subtype : type, BTORDER_PROC);
}

PsLeafSearch *
ps_leaf_search(Relation index, const ScanKeyData *keys, int nkeys)
{
	PsLeafSearch *search;
	int			n = 0;

	if (index->rd_rel->relam != BTREE_AM_OID)
		return NULL;
	search = palloc0(sizeof(PsLeafSearch));
	search->index = index;
	for (; n < IndexRelationGetNumberOfKeyAttributes(index); n++)
	{
		const ScanKeyData *equal = equality_of(keys, nkeys, n + 1);
		RegProcedure comparison;

		if (equal == NULL)
			break;
		comparison = comparison_of(index, n, equal);
		if (!RegProcedureIsValid(comparison))
			break;
		ScanKeyEntryInitialize(&search->key.scankeys[n], index->rd_indoption[n] << SK_BT_INDOPTION_SHIFT,
							   n + 1, InvalidStrategy, equal->sk_subtype, equal->sk_collation, comparison, 0);
		search->equal[n] = equal;
	}
	search->key.keysz = n;
	if (n > 0)
		return search;
	pfree(search);
	return NULL;
}

/* The values of now; false: one is null. */
static bool
take_values(PsLeafSearch *search)
{
	for (int i = 0; i < search->key.keysz; i++)
	{
		if (search->equal[i]->sk_flags & SK_ISNULL)
			return false;
		search->key.scankeys[i].sk_argument = search->equal[i]->sk_argument;
	}
	return true;
}

/* The child in which the search goes on: that of the last item before the key.  The page is locked. */
static BlockNumber
child_of(PsLeafSearch *search, Page page)
{
	OffsetNumber before = P_FIRSTDATAKEY(BTPageGetOpaque(page));	/* precedes all keys */
	OffsetNumber end = PageGetMaxOffsetNumber(page) + 1;	/* as far as is known,
															 * from here on none is
															 * before the key */

	if (before >= end)
		return InvalidBlockNumber;
	while (end - before > 1)
	{
		OffsetNumber middle = before + (end - before) / 2;

		if (_bt_compare(search->index, &search->key, page, middle) > 0)
			before = middle;
		else
			end = middle;
	}
	return BTreeTupleGetDownLink((IndexTuple) PageGetItem(page, PageGetItemId(page, before)));
}

BlockNumber
ps_leaf_find(PsLeafSearch *search)
{
	Relation	index = search->index;
	Buffer		buffer;

	if (!take_values(search))
		return InvalidBlockNumber;
	if (!search->begun)
	{
		_bt_metaversion(index, &search->key.heapkeyspace, &search->key.allequalimage);
		search->begun = true;
	}

	/* an empty tree has no root */
	buffer = _bt_getroot(index, NULL, BT_READ);
	while (BufferIsValid(buffer))
	{
		Page		page = BufferGetPage(buffer);
		BTPageOpaque opaque = BTPageGetOpaque(page);
		BlockNumber child;

		/* the items of a page that is going or gone tell nothing */
		child = P_ISLEAF(opaque) || P_IGNORE(opaque) ? InvalidBlockNumber : child_of(search, page);
		if (!BlockNumberIsValid(child) || opaque->btpo_level == 1)
		{
			_bt_relbuf(index, buffer);
			return child;
		}
		buffer = _bt_relandgetbuf(index, buffer, child, BT_READ);
	}
	return InvalidBlockNumber;
}

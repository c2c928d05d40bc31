/*
 * update.c
 *		Replace a row by a new version.
 *
 * The old version is claimed; the new one goes to the same page if it fits,
 * HOT if no indexed column has changed.  When values must be toasted, or
 * another page is wanted that is not at hand, the latch cannot be kept: the old
 * version is locked in its header meanwhile, which is logged.  Where the latch
 * is kept, as for most rows of an update of many, nobody can come in between.
 */
#include "postgres.h"

#include "access/heaptoast.h"
#include "access/sysattr.h"
#include "access/transam.h"
#include "access/xact.h"
#include "am/am.h"
#include "am/place.h"
#include "am/update.h"
#include "miscadmin.h"
#include "nodes/bitmapset.h"
#include "pgstat.h"
#include "row/claim.h"
#include "row/vm.h"
#include "row/wal_change.h"
#include "server/compat.h"
#include "storage/predicate.h"
#include "utils/datum.h"

typedef struct Update
{
	PsClaim		claim;			/* on the old version */
	uint32		options;		/* TABLE_UPDATE_* */
	CommandId	cid;			/* to go into the old version, maybe a combo */
	bool		is_combo;
	HeapTuple	given;			/* the caller's new version */
	HeapTuple	stored;			/* what is put into the page: given, or a
								 * toasted copy */

	/* columns, as the relation cache numbers them */
	Bitmapset  *indexed;		/* in an index that has an entry for each row */
	Bitmapset  *summarized;		/* in an index that has entries for blocks */
	Bitmapset  *key;
	Bitmapset  *identity;
	Bitmapset  *modified;		/* of all these */
	bool		identity_external;	/* an unchanged identity column lies out
									 * of line */

	PsXmax		inherited;		/* lockers that the new version takes over */
	PsPlace		place;			/* another page, if it came to that */
	PsWrite    *target;			/* page of the new version */
} Update;

static inline Relation
relation(const Update *u)
{
	return u->claim.rel;
}

/* The old version as core's functions want it: good while its page stays pinned and not relatched. */
static inline HeapTupleData
old_tuple(const Update *u)
{
	PsRow		row = ps_row_lend(&u->claim.row);

	return ps_row_tuple(&row);
}

/* ---- what changes ---- */

/* Did the column (negative: a system column) change?  Bytes decide: an operator can't run under a latch. */
static bool
column_changed(Update *u, HeapTuple old, AttrNumber column)
{
	TupleDesc	desc = RelationGetDescr(relation(u));
	Datum		old_value,
				new_value;
	bool		old_null,
				new_null;
	Form_pg_attribute att;

	/*
	 * A whole-row reference, or a system column: not worth a comparison, or
	 * not possible.
	 */
	if (column == TableOidAttributeNumber)
		return false;
	if (column <= 0)
		return true;

	old_value = heap_getattr(old, column, desc, &old_null);
	new_value = heap_getattr(u->given, column, desc, &new_null);
	if (old_null || new_null)
		return old_null != new_null;
	att = TupleDescAttr(desc, column - 1);
	if (!datumIsEqual(old_value, new_value, att->attbyval, att->attlen))
		return true;

	if (att->attlen == -1 && VARATT_IS_EXTERNAL(DatumGetPointer(old_value)) &&
		bms_is_member(column - FirstLowInvalidHeapAttributeNumber, u->identity))
		u->identity_external = true;
	return false;
}

/*
 * The columns that matter.  Asked for before the latch is taken: the relation
 * cache may have to read catalogs.
 */
static void
fetch_columns(Update *u, Relation rel)
{
	u->indexed = RelationGetIndexAttrBitmap(rel, INDEX_ATTR_BITMAP_HOT_BLOCKING);
	u->summarized = ps_summarized_columns(rel);
	u->key = RelationGetIndexAttrBitmap(rel, INDEX_ATTR_BITMAP_KEY);
	u->identity = RelationGetIndexAttrBitmap(rel, INDEX_ATTR_BITMAP_IDENTITY_KEY);
}

/* Compare them, and choose the lock: an update that leaves the key alone lets FOR KEY SHARE be. */
static void
compare_columns(Update *u)
{
	Bitmapset  *interesting = bms_add_members(bms_add_members(bms_union(u->indexed, u->key), u->identity),
											  u->summarized);
	HeapTupleData old = old_tuple(u);
	int			i = -1;

	while ((i = bms_next_member(interesting, i)) >= 0)
		if (column_changed(u, &old, i + FirstLowInvalidHeapAttributeNumber))
			u->modified = bms_add_member(u->modified, i);
	bms_free(interesting);

	u->claim.mode = bms_overlap(u->modified, u->key) ?
		LockTupleExclusive : LockTupleNoKeyExclusive;
}

static void
free_columns(Update *u)
{
	bms_free(u->indexed);
	bms_free(u->summarized);
	bms_free(u->key);
	bms_free(u->identity);
	bms_free(u->modified);
}

/* ---- the new version ---- */

/* Lockers of the old version that are still there hold the new one as well. */
static void
inherit_lockers(Update *u, HeapTuple tuple)
{
	ps_xmax_store(tuple->t_data, u->inherited);
}

static void
stamp_new_version(Update *u)
{
	HeapTupleHeader new = u->given->t_data;

	u->inherited = ps_xmax_inherit(ps_xmax_of(u->claim.row.header), u->claim.lockers_gone);
	new->t_infomask &= ~HEAP_XACT_MASK;
	new->t_infomask2 &= ~HEAP2_XACT_MASK;
	new->t_infomask |= HEAP_UPDATED;
	HeapTupleHeaderSetXmin(new, GetCurrentTransactionId());
	HeapTupleHeaderSetCmin(new, u->cid);
	inherit_lockers(u, u->given);

	/*
	 * The old version may need a combo command id; the new one has the plain
	 * one.
	 */
	HeapTupleHeaderAdjustCmax(u->claim.row.header, &u->cid, &u->is_combo);
}

static bool
needs_toast(const Update *u)
{
	HeapTupleData old = old_tuple(u);

	return ps_can_toast(relation(u)) &&
		(HeapTupleHasExternal(&old) || HeapTupleHasExternal(u->given) ||
		 u->given->t_len > TOAST_TUPLE_THRESHOLD);
}

/*
 * Keep others from the old version while its page is not latched: lock it as a
 * row lock would.  If we fail before the update is done, the xid in it is that
 * of an aborted transaction.
 */
static PsXmax
lock_old_version(Update *u) PS_RELEASE(u->claim.guard)
{
	HeapTupleHeader header = u->claim.row.header;
	PsXmax		locked = ps_xmax_add(ps_xmax_of(header), GetCurrentTransactionId(),
									 u->claim.mode, false);
	PsVmCleared all_frozen;

	START_CRIT_SECTION();
	ps_mark_dirty(&u->claim.guard);
	header->t_infomask &= ~HEAP_MOVED;
	ps_xmax_store(header, locked);
	HeapTupleHeaderClearHotUpdated(header);
	HeapTupleHeaderSetCmax(header, u->cid, u->is_combo);
	header->t_ctid = u->claim.tid;
	all_frozen = ps_vm_clear_frozen(&u->claim.guard, u->claim.vmbuf);
	if (RelationNeedsWAL(u->claim.rel))
		ps_wal_lock(&u->claim.guard, &u->claim.row, &all_frozen);
	END_CRIT_SECTION();
	ps_vm_cleared_end(&all_frozen);

	ps_claim_unlatch(&u->claim);
	return locked;
}

/*
 * Latch a page for the new version, the old one's if it has room.  room is
 * what it had: not worth a second look if that was too little.
 */
static void
latch_pages(Update *u, Size room) PS_ACQUIRE(u->claim.guard)
{
	Size		need = MAXALIGN(u->stored->t_len);

	u->target = &u->claim.guard;
	if (need <= room)
	{
		ps_claim_latch(&u->claim);
		if (need <= PageGetHeapFreeSpace(u->claim.guard.page))
			return;
		ps_claim_unlatch(&u->claim);
	}

	if (ps_place_find_beside(u->claim.rel, u->stored->t_len, &u->claim.pin, &u->claim.guard,
							 &u->claim.vmbuf, &u->place))
		u->target = &u->place.guard;
	ps_claim_rederive(&u->claim);
}

/* Make the new version ready and latch the page it goes to. */
static void
prepare_new_version(Update *u) PS_REQUIRES(u->claim.guard)
{
	Size		room = PageGetHeapFreeSpace(u->claim.guard.page);
	bool		toast = needs_toast(u);
	PsXmax		locked,
				now;

	u->stored = u->given;
	u->target = &u->claim.guard;
	if (!toast && MAXALIGN(u->given->t_len) <= room)
		return;
	if (!toast && ps_place_try_beside(u->claim.rel, u->given->t_len, &u->claim.pin, &u->claim.guard,
									  &u->claim.vmbuf, &u->place))
	{
		u->target = &u->place.guard;
		return;
	}

	locked = lock_old_version(u);
	if (toast)
	{
		HeapTupleData old = old_tuple(u);	/* our pin keeps its bytes */

		u->stored = heap_toast_insert_or_update(relation(u), u->given, &old, 0);
	}
	latch_pages(u, room);

	/*
	 * Lockers that don't mind an update may have joined us meanwhile: their
	 * locks must go along.
	 */
	now = ps_xmax_of(u->claim.row.header);
	if (!ps_xmax_same(now, locked))
	{
		u->inherited = ps_xmax_inherit(now, false);
		inherit_lockers(u, u->stored);
	}
}

/* ---- the change itself ---- */

static void
set_hot(Update *u, bool hot)
{
	HeapTuple	tuples[] = {u->given, u->stored};

	for (int i = 0; i < lengthof(tuples); i++)
	{
		if (hot)
			HeapTupleSetHeapOnly(tuples[i]);
		else
			HeapTupleClearHeapOnly(tuples[i]);
	}
}

/* Both pages are latched: put the new version in and point the old one at it. */
static void
apply(Update *u, bool hot) PS_RELEASE(u->claim.guard)
{
	Relation	rel = u->claim.rel;
	bool		same_page = u->target == &u->claim.guard;
	HeapTupleHeader old_header = u->claim.row.header;
	HeapTupleData old = old_tuple(u);
	TransactionId xid = GetCurrentTransactionId();
	PsXmax		old_xmax = ps_xmax_add(ps_xmax_of(old_header), xid, u->claim.mode, true);
	bool		key_copied;
	HeapTuple	old_key = ps_replica_identity(rel, &old, !(u->options & TABLE_UPDATE_NO_LOGICAL),
											  bms_overlap(u->modified, u->identity) ||
											  u->identity_external, &key_copied);
	PsVmCleared old_visible;
	PsVmCleared new_visible = {false, InvalidBuffer};

	set_hot(u, hot);

	ps_write_held(u->target);
	START_CRIT_SECTION();
	ps_mark_dirty(&u->claim.guard);
	if (!same_page)
		ps_mark_dirty(u->target);

	/* Once we commit, the old version will be dead to all before long. */
	PageSetPrunable(u->claim.guard.page, xid);
	if (!same_page)
		PageSetFull(u->claim.guard.page);

	ps_place_put(u->target, u->stored, false);

	old_header->t_infomask &= ~HEAP_MOVED;
	ps_xmax_store(old_header, old_xmax);
	if (hot)
		HeapTupleHeaderSetHotUpdated(old_header);
	else
		HeapTupleHeaderClearHotUpdated(old_header);
	HeapTupleHeaderSetCmax(old_header, u->cid, u->is_combo);
	old_header->t_ctid = u->stored->t_self;

	if (same_page)
		old_visible = ps_vm_clear(&u->claim.guard, u->claim.vmbuf);
	else
		ps_vm_clear_both(&u->claim.guard, u->claim.vmbuf, &old_visible,
						 u->target, u->place.vmbuf, &new_visible);

	if (RelationNeedsWAL(rel))
		ps_wal_update(&u->claim.guard, u->target, &u->claim.row, u->stored, old_key, u->options,
					  &old_visible, &new_visible);
	END_CRIT_SECTION();
	ps_vm_cleared_end(&new_visible);
	ps_vm_cleared_end(&old_visible);

	if (!same_page)
	{
		ps_write_held(&u->place.guard);
		ps_place_leave(&u->place);
	}
	ps_claim_unlatch(&u->claim);
	if (key_copied)
		heap_freetuple(old_key);
}

/* The old version is ours, or not; TM_Ok with its page latched, else *tmfd says why. */
static TM_Result
claim_old_version(Update *u, TM_FailureData *tmfd) PS_REQUIRES(u->claim.guard)
{
	TM_Result	result;

	if (u->claim.mode == LockTupleNoKeyExclusive)
		MultiXactIdSetOldestMember();
	result = ps_claim_settle(&u->claim);
	if (result == TM_Invisible)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("attempted to update invisible tuple")));
	if (result != TM_Ok)
		ps_claim_failure(&u->claim, result, tmfd);
	return result;
}

static TM_Result
update(Update *u, Relation rel, ItemPointer otid, TM_FailureData *tmfd, LockTupleMode *lockmode)
{
	TM_Result	result;
	bool		hot;

	fetch_columns(u, rel);
	ps_claim_open(&u->claim, rel, otid);
	compare_columns(u);
	*lockmode = u->claim.mode;

	result = claim_old_version(u, tmfd);
	if (result != TM_Ok)
	{
		ps_claim_unlatch(&u->claim);
		ps_claim_close(&u->claim);
		return result;
	}

	stamp_new_version(u);
	prepare_new_version(u);

	/* Under the latch, so that no serializable reader can slip in between. */
	CheckForSerializableConflictIn(rel, &u->claim.tid, u->claim.pin.block);

	hot = u->target == &u->claim.guard && !bms_overlap(u->modified, u->indexed);
	apply(u, hot);
	ps_vm_release(&u->place.vmbuf);
	ps_claim_close(&u->claim);
	pgstat_count_heap_update(rel, hot, u->target != &u->claim.guard);

	if (u->stored != u->given)
	{
		u->given->t_self = u->stored->t_self;
		heap_freetuple(u->stored);
	}
	return TM_Ok;
}

TM_Result
ps_tuple_update(Relation rel, ItemPointer otid, TupleTableSlot *slot, CommandId cid,
				uint32 options, Snapshot snapshot, Snapshot crosscheck, bool wait, TM_FailureData *tmfd,
				LockTupleMode *lockmode, TU_UpdateIndexes *update_indexes)
{
	bool		should_free = true;
	Update		u = {
		.claim = {
			.snapshot = snapshot,.crosscheck = crosscheck,.cid = cid,.policy = LockWaitBlock,.oper = XLTW_Update,.nowait = !wait
		},
		.cid = cid,
		.options = options
	};
	TM_Result	result;

	/* The other workers could not be told of a combo command id. */
	if (IsInParallelMode())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_STATE),
				 errmsg("cannot update tuples during a parallel operation")));

	u.given = ExecFetchSlotHeapTuple(slot, true, &should_free);
	slot->tts_tableOid = RelationGetRelid(rel);
	u.given->t_tableOid = slot->tts_tableOid;
	Assert(HeapTupleHeaderGetNatts(u.given->t_data) <= RelationGetNumberOfAttributes(rel));
	ps_place_init(&u.place);

	result = update(&u, rel, otid, tmfd, lockmode);
	slot->tts_tid = u.given->t_self;

	/*
	 * A HOT version is found through the entries of the first one; but what
	 * summarizes its block must have heard of its values.
	 */
	if (result != TM_Ok)
		*update_indexes = TU_None;
	else if (!HeapTupleIsHeapOnly(u.given))
		*update_indexes = TU_All;
	else
		*update_indexes = bms_overlap(u.modified, u.summarized) ? TU_Summarizing : TU_None;

	free_columns(&u);
	if (should_free)
		pfree(u.given);
	return result;
}

/*
 * visibility.c
 *		Who sees a row version.
 *
 * Two questions are asked of a version: what became of the transaction that
 * made it, and of the one that deleted it.  They are answered here once
 * (inserter_state, deleter_state), as of now or as of an MVCC snapshot; each
 * kind of visibility then is a short table over the answers.
 *
 * The order in which a transaction's state is looked up is the rule that all
 * correctness hangs on (heapam_visibility.c): a transaction writes its commit
 * to clog before it leaves the ProcArray, so "still running?" must be asked
 * before "did it commit?"; asked the other way round, one that commits in
 * between looks aborted, and a wrong hint bit makes that permanent.
 */
#include "postgres.h"

#include "access/multixact.h"
#include "access/subtrans.h"
#include "access/transam.h"
#include "access/xact.h"
#include "row/historic.h"
#include "row/visibility.h"
#include "storage/predicate.h"
#include "storage/procarray.h"

typedef enum XactState
{
	XACT_ABORTED,				/* or crashed; of a deleter: nobody deleted
								 * the row */
	XACT_OWN,					/* the current transaction */
	XACT_RUNNING,				/* somebody else's, not ended (as of the
								 * snapshot) */
	XACT_COMMITTED
} XactState;

/* Somebody else's, not ended (as of the snapshot)? */
static inline bool
xid_running(TransactionId xid, Snapshot mvcc)
{
	if (mvcc == NULL)
		return TransactionIdIsInProgress(xid);
	return !ps_xid_before_snapshot(xid, mvcc) && XidInMVCCSnapshot(xid, mvcc);
}

/*
 * mvcc: a snapshot, or NULL for now.  Asked as of a snapshot it stays out of
 * the ProcArray; a snapshot's xmin is not beyond the xids of the transaction
 * that took it, so that what is older is not our own.
 */
static inline XactState
xact_state(TransactionId xid, Snapshot mvcc)
{
	if (mvcc == NULL || !ps_xid_before_snapshot(xid, mvcc))
	{
		if (TransactionIdIsCurrentTransactionId(xid))
			return XACT_OWN;
		if (xid_running(xid, mvcc))
			return XACT_RUNNING;
	}
	return TransactionIdDidCommit(xid) ? XACT_COMMITTED : XACT_ABORTED;
}

/* The hint may be lost (asynchronous commit not flushed): the next reader asks clog again. */
static inline void
hint_committed(const PsRead *guard, const HeapTupleHeaderData *header, uint16 bit, TransactionId xid)
			PS_REQUIRES_SHARED(guard)
{
	if (ps_may_set_hint(guard, TransactionIdGetCommitLSN(xid)))
		ps_set_hint(guard, header, bit);
}

#ifdef USE_ASSERT_CHECKING
/*
 * Has the transaction failed that the bit is about?  One that holds a lock
 * alone, or a multixact, may have committed.
 */
static bool
has_failed(const HeapTupleHeaderData *header, uint16 bit)
{
	if (bit == HEAP_XMIN_INVALID)
		return !TransactionIdDidCommit(HeapTupleHeaderGetRawXmin(header));
	return (header->t_infomask & (HEAP_XMAX_IS_MULTI | HEAP_XMAX_LOCK_ONLY)) != 0 ||
		HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask) ||
		!TransactionIdDidCommit(HeapTupleHeaderGetRawXmax(header));
}
#endif

/* For good: a transaction that was asked about in the wrong order may commit still. */
static inline void
hint_aborted(const PsRead *guard, const HeapTupleHeaderData *header, uint16 bit)
			PS_REQUIRES_SHARED(guard)
{
	Assert(has_failed(header, bit));
	ps_set_hint(guard, header, bit);
}

/*
 * A row that VACUUM FULL of a server before 9.0 moved.  That server was shut
 * down since, so the vacuum has ended, and was a synchronous commit.
 */
static XactState
moved_state(const PsRead *guard, const HeapTupleHeaderData *header) PS_REQUIRES_SHARED(guard)
{
	bool		vacuumed = TransactionIdDidCommit(HeapTupleHeaderGetXvac(header));
	bool		away = (header->t_infomask & HEAP_MOVED_OFF) != 0;

	if (vacuumed != away)
	{
		ps_set_hint(guard, header, HEAP_XMIN_COMMITTED);
		return XACT_COMMITTED;
	}
	ps_set_hint(guard, header, HEAP_XMIN_INVALID);
	return XACT_ABORTED;
}

static inline XactState
inserter_state(const PsRead *guard, const HeapTupleHeaderData *header, Snapshot mvcc)
			PS_REQUIRES_SHARED(guard)
{
	uint16		mask = header->t_infomask;
	TransactionId xmin = HeapTupleHeaderGetRawXmin(header);
	XactState	state;

	if (mask & HEAP_XMIN_COMMITTED)
	{
		/* committed by now, but perhaps not for the snapshot */
		if (mvcc != NULL && (mask & HEAP_XMIN_INVALID) == 0 && xid_running(xmin, mvcc))
			return XACT_RUNNING;
		return XACT_COMMITTED;
	}
	if (mask & HEAP_XMIN_INVALID)
		return XACT_ABORTED;
	if (unlikely(mask & HEAP_MOVED))
		return moved_state(guard, header);

	state = xact_state(xmin, mvcc);
	if (state == XACT_COMMITTED)
		hint_committed(guard, header, HEAP_XMIN_COMMITTED, xmin);
	else if (state == XACT_ABORTED)
		hint_aborted(guard, header, HEAP_XMIN_INVALID);
	return state;
}

/*
 * The transaction that deleted or updated the row: *xmax, unless XACT_ABORTED,
 * which means that none did.  Lockers do not count.  For rows whose inserter
 * is COMMITTED or OWN.
 */
static inline XactState
deleter_state(const PsRead *guard, const HeapTupleHeaderData *header, Snapshot mvcc,
			  TransactionId *xmax) PS_REQUIRES_SHARED(guard)
{
	uint16		mask = header->t_infomask;
	XactState	state;

	if ((mask & HEAP_XMAX_INVALID) || HEAP_XMAX_IS_LOCKED_ONLY(mask))
		return XACT_ABORTED;

	if (mask & HEAP_XMAX_IS_MULTI)
	{
		/* no hint: other members may still hold locks */
		*xmax = HeapTupleGetUpdateXid(unconstify(HeapTupleHeaderData *, header));
		return TransactionIdIsValid(*xmax) ? xact_state(*xmax, mvcc) : XACT_ABORTED;
	}

	*xmax = HeapTupleHeaderGetRawXmax(header);
	if (mask & HEAP_XMAX_COMMITTED)
		return mvcc != NULL && xid_running(*xmax, mvcc) ? XACT_RUNNING : XACT_COMMITTED;

	state = xact_state(*xmax, mvcc);
	if (state == XACT_COMMITTED)
		hint_committed(guard, header, HEAP_XMAX_COMMITTED, *xmax);
	else if (state == XACT_ABORTED)
		hint_aborted(guard, header, HEAP_XMAX_INVALID);
	return state;
}

static inline CommandId
row_cmin(const HeapTupleHeaderData *header)
{
	return HeapTupleHeaderGetCmin(unconstify(HeapTupleHeaderData *, header));
}

static inline CommandId
row_cmax(const HeapTupleHeaderData *header)
{
	return HeapTupleHeaderGetCmax(unconstify(HeapTupleHeaderData *, header));
}

/* ---- snapshots ---- */

bool
ps_row_visible_mvcc_full(const PsRead *guard, const PsRow *row, Snapshot snapshot)
{
	const HeapTupleHeaderData *header = row->header;
	TransactionId xmax;

	switch (inserter_state(guard, header, snapshot))
	{
		case XACT_ABORTED:
		case XACT_RUNNING:
			return false;
		case XACT_OWN:
			if (row_cmin(header) >= snapshot->curcid)
				return false;	/* by this command or a later one */
			break;
		case XACT_COMMITTED:
			break;
	}
	switch (deleter_state(guard, header, snapshot, &xmax))
	{
		case XACT_ABORTED:
		case XACT_RUNNING:
			return true;
		case XACT_OWN:
			return row_cmax(header) >= snapshot->curcid;
		case XACT_COMMITTED:
			break;
	}
	return false;
}

/* SNAPSHOT_SELF: what is true now, with our own changes, of this command too. */
static bool
visible_self(const PsRead *guard, const PsRow *row) PS_REQUIRES_SHARED(guard)
{
	XactState	inserter = inserter_state(guard, row->header, NULL);
	XactState	deleter;
	TransactionId xmax;

	if (inserter == XACT_ABORTED || inserter == XACT_RUNNING)
		return false;
	deleter = deleter_state(guard, row->header, NULL, &xmax);
	return deleter == XACT_ABORTED || deleter == XACT_RUNNING;
}

/*
 * SNAPSHOT_DIRTY: as Self, and what running transactions insert counts too;
 * whoever is still at work on the row is reported in the snapshot, for the
 * caller to wait for.
 */
static bool
visible_dirty(const PsRead *guard, const PsRow *row, Snapshot snapshot) PS_REQUIRES_SHARED(guard)
{
	const HeapTupleHeaderData *header = row->header;
	TransactionId xmax;

	snapshot->xmin = snapshot->xmax = InvalidTransactionId;
	snapshot->speculativeToken = 0;

	switch (inserter_state(guard, header, NULL))
	{
		case XACT_ABORTED:
			return false;
		case XACT_RUNNING:
			if (HeapTupleHeaderIsSpeculative(header))
				snapshot->speculativeToken = HeapTupleHeaderGetSpeculativeToken(header);
			snapshot->xmin = HeapTupleHeaderGetRawXmin(header);
			return true;
		case XACT_OWN:
		case XACT_COMMITTED:
			break;
	}
	switch (deleter_state(guard, header, NULL, &xmax))
	{
		case XACT_ABORTED:
			return true;
		case XACT_RUNNING:
			snapshot->xmax = xmax;
			return true;
		case XACT_OWN:
		case XACT_COMMITTED:
			break;
	}
	return false;
}

/* SNAPSHOT_TOAST: everything but rows that never came to be; who may see the main row may see its chunks. */
static bool
visible_toast(const PsRead *guard, const PsRow *row) PS_REQUIRES_SHARED(guard)
{
	uint16		mask = row->header->t_infomask;

	if (mask & HEAP_XMIN_COMMITTED)
		return true;
	if (mask & HEAP_XMIN_INVALID)
		return false;
	if (mask & HEAP_MOVED)
		return moved_state(guard, row->header) == XACT_COMMITTED;
	/* a speculative insertion taken back has no xmin */
	return TransactionIdIsValid(HeapTupleHeaderGetRawXmin(row->header));
}

/* SNAPSHOT_NON_VACUUMABLE: of use to anybody. */
static bool
visible_to_anybody(const PsRead *guard, const PsRow *row, Snapshot snapshot)
			PS_REQUIRES_SHARED(guard)
{
	TransactionId dead_after;

	switch (ps_row_vacuum_horizon(guard, row, &dead_after))
	{
		case HEAPTUPLE_DEAD:
			return false;
		case HEAPTUPLE_RECENTLY_DEAD:
			return !GlobalVisTestIsRemovableXid(snapshot->vistest, dead_after, true);
		default:
			return true;
	}
}

bool
ps_row_visible(const PsRead *guard, const PsRow *row, Snapshot snapshot)
{
	Assert(guard->pin->origin != PS_RING || snapshot->snapshot_type == SNAPSHOT_MVCC);

	switch (snapshot->snapshot_type)
	{
		case SNAPSHOT_MVCC:
			return ps_row_visible_mvcc(guard, row, snapshot);
		case SNAPSHOT_SELF:
			return visible_self(guard, row);
		case SNAPSHOT_ANY:
			return true;
		case SNAPSHOT_TOAST:
			return visible_toast(guard, row);
		case SNAPSHOT_DIRTY:
			return visible_dirty(guard, row, snapshot);
		case SNAPSHOT_HISTORIC_MVCC:
			return ps_row_visible_historic(guard, row, snapshot);
		case SNAPSHOT_NON_VACUUMABLE:
			return visible_to_anybody(guard, row, snapshot);
	}
	elog(ERROR, "unknown snapshot type %d", (int) snapshot->snapshot_type);
}

/* ---- updates ---- */

/* Committed by another: did the row get a successor, or is it gone? */
static inline TM_Result
changed_by_other(const PsRow *row)
{
	ItemPointer self = unconstify(ItemPointerData *, &row->tid);
	ItemPointer next = unconstify(ItemPointerData *, &row->header->t_ctid);

	return ItemPointerEquals(self, next) ? TM_Deleted : TM_Updated;
}

static inline TM_Result
changed_by_us(const PsRow *row, CommandId curcid)
{
	return row_cmax(row->header) >= curcid ? TM_SelfModified : TM_Invisible;
}

/*
 * xmax is a multixact: lockers, or lockers and one updater.  own: our
 * transaction made the row.
 */
static TM_Result
updatable_multi(const PsRead *guard, const PsRow *row, CommandId curcid, bool own)
			PS_REQUIRES_SHARED(guard)
{
	const HeapTupleHeaderData *header = row->header;
	MultiXactId multi = HeapTupleHeaderGetRawXmax(header);
	TransactionId updater = InvalidTransactionId;
	bool		lock_only = HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask);

	/*
	 * from before pg_upgrade to 9.3: its lockers are long gone, and its
	 * members unreadable
	 */
	if (HEAP_LOCKED_UPGRADED(header->t_infomask))
		return TM_Ok;

	if (!lock_only)
	{
		updater = HeapTupleGetUpdateXid(unconstify(HeapTupleHeaderData *, header));
		if (TransactionIdIsCurrentTransactionId(updater))
			return changed_by_us(row, curcid);
	}
	if (MultiXactIdIsRunning(multi, lock_only))
		return TM_BeingModified;
	if (!lock_only && TransactionIdDidCommit(updater))
		return changed_by_other(row);

	/* no member is left, and the updater, if any, failed */
	if (!own)
		hint_aborted(guard, header, HEAP_XMAX_INVALID);
	return TM_Ok;
}

TM_Result
ps_row_updatable(const PsRead *guard, const PsRow *row, CommandId curcid)
{
	const HeapTupleHeaderData *header = row->header;
	uint16		mask;
	TransactionId xmax;
	bool		lock_only;
	bool		own = false;

	switch (inserter_state(guard, header, NULL))
	{
		case XACT_ABORTED:
		case XACT_RUNNING:
			return TM_Invisible;
		case XACT_OWN:

			/*
			 * Others may still have locked it: they hold locks on a key that
			 * we carried over.  When they have gone their traces stay in
			 * xmax, and go to the next version too, as in heap: anybody may
			 * look.
			 */
			if (row_cmin(header) >= curcid)
				return TM_Invisible;
			own = true;
			break;
		case XACT_COMMITTED:
			break;
	}

	mask = header->t_infomask;
	if (mask & HEAP_XMAX_INVALID)
		return TM_Ok;
	lock_only = HEAP_XMAX_IS_LOCKED_ONLY(mask);
	if (mask & HEAP_XMAX_COMMITTED)
		return lock_only ? TM_Ok : changed_by_other(row);
	if (mask & HEAP_XMAX_IS_MULTI)
		return updatable_multi(guard, row, curcid, own);

	xmax = HeapTupleHeaderGetRawXmax(header);
	switch (xact_state(xmax, NULL))
	{
		case XACT_OWN:
			return lock_only ? TM_BeingModified : changed_by_us(row, curcid);
		case XACT_RUNNING:
			return TM_BeingModified;
		case XACT_COMMITTED:
			if (!lock_only)
			{
				hint_committed(guard, header, HEAP_XMAX_COMMITTED, xmax);
				return changed_by_other(row);
			}
			break;
		case XACT_ABORTED:
			break;
	}
	if (!own || !lock_only)
		hint_aborted(guard, header, HEAP_XMAX_INVALID);
	return TM_Ok;
}

void
ps_row_settle_xmax(const PsRead *guard, const PsRow *row, TransactionId xid)
{
	const HeapTupleHeaderData *header = row->header;
	uint16		mask = header->t_infomask;

	Assert(TransactionIdEquals(HeapTupleHeaderGetRawXmax(header), xid));
	Assert(!(mask & HEAP_XMAX_IS_MULTI));

	if (mask & (HEAP_XMAX_COMMITTED | HEAP_XMAX_INVALID))
		return;
	if (!HEAP_XMAX_IS_LOCKED_ONLY(mask) && TransactionIdDidCommit(xid))
		hint_committed(guard, header, HEAP_XMAX_COMMITTED, xid);
	else
		hint_aborted(guard, header, HEAP_XMAX_INVALID);
}

/* ---- vacuum ---- */

/*
 * A live row with nothing but lockers in xmax: once they are gone, say so, to
 * spare later visitors the look-up.
 */
static void
settle_lockers(const PsRead *guard, const HeapTupleHeaderData *header) PS_REQUIRES_SHARED(guard)
{
	uint16		mask = header->t_infomask;
	TransactionId xmax = HeapTupleHeaderGetRawXmax(header);
	bool		held;

	if (mask & HEAP_XMAX_COMMITTED)
		return;
	if (mask & HEAP_XMAX_IS_MULTI)
		held = !HEAP_LOCKED_UPGRADED(mask) && MultiXactIdIsRunning(xmax, true);
	else
		held = TransactionIdIsInProgress(xmax);
	if (!held)
		hint_aborted(guard, header, HEAP_XMAX_INVALID);
}

/* The row's inserter committed: what about its deleter? */
static HTSV_Result
vacuum_state_of_deleter(const PsRead *guard, const HeapTupleHeaderData *header,
						TransactionId *dead_after) PS_REQUIRES_SHARED(guard)
{
	TransactionId xmax;

	if (header->t_infomask & HEAP_XMAX_INVALID)
		return HEAPTUPLE_LIVE;
	if (HEAP_XMAX_IS_LOCKED_ONLY(header->t_infomask))
	{
		settle_lockers(guard, header);
		return HEAPTUPLE_LIVE;
	}

	switch (deleter_state(guard, header, NULL, &xmax))
	{
		case XACT_OWN:
		case XACT_RUNNING:
			return HEAPTUPLE_DELETE_IN_PROGRESS;
		case XACT_COMMITTED:

			/*
			 * Lockers of a multixact may still run; they are in the newer
			 * version's xmax as well and do not keep this one.
			 */
			*dead_after = xmax;
			return HEAPTUPLE_RECENTLY_DEAD;
		case XACT_ABORTED:
			break;
	}
	if ((header->t_infomask & (HEAP_XMAX_INVALID | HEAP_XMAX_IS_MULTI)) == HEAP_XMAX_IS_MULTI &&
		!MultiXactIdIsRunning(HeapTupleHeaderGetRawXmax(header), false))
		hint_aborted(guard, header, HEAP_XMAX_INVALID);
	return HEAPTUPLE_LIVE;
}

HTSV_Result
ps_row_vacuum_horizon(const PsRead *guard, const PsRow *row, TransactionId *dead_after)
{
	const HeapTupleHeaderData *header = row->header;
	TransactionId xmax;

	*dead_after = InvalidTransactionId;
	switch (inserter_state(guard, header, NULL))
	{
		case XACT_ABORTED:
			return HEAPTUPLE_DEAD;	/* nobody ever saw it */
		case XACT_RUNNING:
			/* Whatever its xmax says: for others it is not yet there. */
			return HEAPTUPLE_INSERT_IN_PROGRESS;
		case XACT_OWN:
			if (deleter_state(guard, header, NULL, &xmax) == XACT_OWN)
				return HEAPTUPLE_DELETE_IN_PROGRESS;
			return HEAPTUPLE_INSERT_IN_PROGRESS;
		case XACT_COMMITTED:
			break;
	}
	return vacuum_state_of_deleter(guard, header, dead_after);
}

HTSV_Result
ps_row_vacuum_state(const PsRead *guard, const PsRow *row, TransactionId oldest_xmin)
{
	TransactionId dead_after;
	HTSV_Result state = ps_row_vacuum_horizon(guard, row, &dead_after);

	if (state == HEAPTUPLE_RECENTLY_DEAD && TransactionIdPrecedes(dead_after, oldest_xmin))
		return HEAPTUPLE_DEAD;
	return state;
}

bool
ps_row_surely_dead(const PsRow *row, struct GlobalVisState *vistest)
{
	uint16		mask = row->header->t_infomask;

	if (!(mask & HEAP_XMIN_COMMITTED))
		return (mask & HEAP_XMIN_INVALID) != 0;
	if ((mask & (HEAP_XMAX_COMMITTED | HEAP_XMAX_INVALID | HEAP_XMAX_IS_MULTI)) != HEAP_XMAX_COMMITTED ||
		HEAP_XMAX_IS_LOCKED_ONLY(mask))
		return false;
	return GlobalVisTestIsRemovableXid(vistest, HeapTupleHeaderGetRawXmax(row->header), true);
}

/* ---- serializable transactions ---- */

void
ps_row_conflict_out(const PsRead *guard, bool visible, const PsRow *row, Snapshot snapshot)
{
	HeapTupleHeader header = unconstify(HeapTupleHeaderData *, row->header);
	TransactionId writer;

	if (!IsolationIsSerializable() ||
		!CheckForSerializableConflictOutNeeded(guard->rel, snapshot))
		return;

	/*
	 * The writer that we may have missed: the inserter of a version that we
	 * do not see, the deleter of one that we do.  If a version was inserted
	 * and updated by two transactions beyond our sight, the inserter counts.
	 */
	switch (ps_row_vacuum_state(guard, row, TransactionXmin))
	{
		case HEAPTUPLE_DEAD:
			return;
		case HEAPTUPLE_LIVE:
			if (visible)
				return;
			writer = HeapTupleHeaderGetXmin(header);
			break;
		case HEAPTUPLE_INSERT_IN_PROGRESS:
			writer = HeapTupleHeaderGetXmin(header);
			break;
		default:
			writer = visible ? HeapTupleHeaderGetUpdateXid(header) : HeapTupleHeaderGetXmin(header);
			/* gone before any serializable transaction of interest began */
			if (TransactionIdPrecedes(writer, TransactionXmin))
				return;
			break;
	}

	if (TransactionIdEquals(writer, GetTopTransactionIdIfAny()))
		return;
	writer = SubTransGetTopmostTransaction(writer);
	if (!TransactionIdPrecedes(writer, TransactionXmin))
		CheckForSerializableConflictOut(guard->rel, writer, snapshot);
}

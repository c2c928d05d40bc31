/*
 * ownership.c
 *		Who owns a relation's file when the catalog changes.
 *
 * A file is the pool's or shared buffers' by the access method of the relation
 * that has it.  Commands that give a table a new file, or a copy of its rows,
 * are met by the access method's callbacks; a row of pg_class that gets
 * another relam or relfilenode by anybody's hand is met here: a tool that
 * swaps the files of two tables, pagestore_convert(), an UPDATE by a
 * superuser.
 *
 * Each change of pg_class comes back to the backend that makes it as a
 * relcache invalidation, at the end of the command.  A callback may not read
 * the catalog, so it takes note, and ps_settle() looks before anything else
 * can happen: at the start of the next statement, at the first access to a
 * page of any table of ours, and before the transaction commits or is
 * prepared.  Where a file stands against its owner, the transaction holds it
 * (pool/hold.c).
 *
 * The tool should have AccessExclusiveLock on these tables; if it has not, it
 * gets it, or an error, here: until commit the others go by what was before.
 *
 * A partitioned table, which has no file, may name an access method: that is
 * seen here, too, and the access method kept from being dropped (drop.c).
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "admin/admin.h"
#include "admin/catalog.h"
#include "am/am.h"
#include "catalog/indexing.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_class.h"
#include "commands/tablecmds.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "pool/gate.h"
#include "pool/hold.h"
#include "pool/registry.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

static ExecutorStart_hook_type prev_executor_start = NULL;

/* Relations whose caches were invalidated while this transaction had an id: what it may have changed. */
static Oid *suspects = NULL;
static int	nsuspects = 0;
static int	suspects_room = 0;
static TransactionId suspects_xid = InvalidTransactionId;

/* A relation may be named in vain, never missed: what others invalidate, and what is undone, comes here too. */
static void
at_relcache_invalidation(Datum arg, Oid relid)
{
	TransactionId xid = GetTopTransactionIdIfAny();

	if (!OidIsValid(relid) || !TransactionIdIsValid(xid) || IsParallelWorker() || !IsUnderPostmaster)
		return;
	if (xid != suspects_xid)
	{
		nsuspects = 0;
		suspects_xid = xid;
	}
	if (nsuspects > 0 && suspects[nsuspects - 1] == relid)
		return;
	if (nsuspects == suspects_room)
	{
		int			room = Max(64, suspects_room * 2);

		if (suspects == NULL)
			suspects = MemoryContextAlloc(TopMemoryContext, room * sizeof(Oid));
		else
			suspects = repalloc_huge(suspects, room * sizeof(Oid));
		suspects_room = room;
	}
	suspects[nsuspects++] = relid;
	ps_unsettled = true;
}

/* ---- looking into pg_class ---- */

/* Its file, if it has one that the pool may own. */
static bool
file_of(Form_pg_class class, RelFileLocator *rlocator)
{
	if (!RELKIND_HAS_STORAGE(class->relkind) || !OidIsValid(class->relfilenode) ||
		class->relpersistence == RELPERSISTENCE_TEMP || class->relisshared)
		return false;
	rlocator->spcOid = OidIsValid(class->reltablespace) ? class->reltablespace : MyDatabaseTableSpace;
	rlocator->dbOid = MyDatabaseId;
	rlocator->relNumber = class->relfilenode;
	return true;
}

static bool
is_ours(Form_pg_class class)
{
	return RELKIND_HAS_TABLE_AM(class->relkind) && OidIsValid(class->relam) && ps_is_pagestore_am(class->relam);
}

/* Has the relation got another file or access method in this transaction, or is it new? */
static bool
has_changed(Form_pg_class now)
{
	Snapshot	before = ps_register_catalog_at(FirstCommandId);
	Relation	pg_class = table_open(RelationRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		changed = true;

	ScanKeyInit(&key, Anum_pg_class_oid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(now->oid));
	scan = systable_beginscan(pg_class, ClassOidIndexId, true, before, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_class then = (Form_pg_class) GETSTRUCT(tuple);

		changed = then->relam != now->relam || then->relfilenode != now->relfilenode ||
			then->reltablespace != now->reltablespace;
	}
	systable_endscan(scan);
	table_close(pg_class, AccessShareLock);
	UnregisterSnapshot(before);
	return changed;
}

typedef struct Names
{
	List	   *relids;			/* relations that have the file */
	char	   *ours;			/* one of pagestore among them */
	char	   *other;			/* one of another access method */
} Names;

/* Add the relations that have the file, by this snapshot (NULL: now). */
static void
collect_names(RelFileLocator rlocator, Snapshot snapshot, Names *names)
{
	Relation	pg_class = table_open(RelationRelationId, AccessShareLock);
	Oid			space = rlocator.spcOid == MyDatabaseTableSpace ? InvalidOid : rlocator.spcOid;
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key[0], Anum_pg_class_reltablespace, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(space));
	ScanKeyInit(&key[1], Anum_pg_class_relfilenode, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(rlocator.relNumber));
	scan = systable_beginscan(pg_class, ClassTblspcRelfilenodeIndexId, true, snapshot, 2, key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_class class = (Form_pg_class) GETSTRUCT(tuple);
		RelFileLocator file;

		if (!file_of(class, &file))
			continue;
		names->relids = list_append_unique_oid(names->relids, class->oid);
		*(is_ours(class) ? &names->ours : &names->other) = pstrdup(NameStr(class->relname));
	}
	systable_endscan(scan);
	table_close(pg_class, AccessShareLock);
}

/* ---- putting it right ---- */

/* Locks for the rest of the transaction, whatever savepoint the present statement belongs to. */
static void
lock_to_the_end(Oid class, Oid id, LOCKMODE mode)
{
	ResourceOwner owner = CurrentResourceOwner;

	CurrentResourceOwner = TopTransactionResourceOwner;
	PG_TRY();
	{
		if (class == RelationRelationId)
			LockRelationOid(id, mode);
		else
			LockDatabaseObject(class, id, 0, mode);
	}
	PG_FINALLY();
	{
		CurrentResourceOwner = owner;
	}
	PG_END_TRY();
}

/*
 * The file goes over to shared buffers under lock on all relations that had
 * it, as others see them, or have it now.
 */
static void
take_over(RelFileLocator rlocator, bool ours)
{
	bool		leaves_pool = ps_registry_may_have_frames(rlocator);
	Snapshot	before = ps_register_catalog_at(FirstCommandId);
	Names		names = {0};
	ListCell   *lc;

	collect_names(rlocator, before, &names);
	UnregisterSnapshot(before);
	collect_names(rlocator, NULL, &names);

	foreach(lc, names.relids)
	{
		Relation	rel;

		lock_to_the_end(RelationRelationId, lfirst_oid(lc), AccessExclusiveLock);
		rel = try_relation_open(lfirst_oid(lc), NoLock);
		if (rel == NULL)
			continue;			/* dropped in this transaction */
		if (leaves_pool)
			CheckTableNotInUse(rel, "change the file of");
		relation_close(rel, NoLock);
	}
	list_free(names.relids);
	ps_hold(rlocator, ours);
}

/* Then it is with shared buffers until this transaction ends, and workers know. */
static bool
skips_wal(Oid relid)
{
	Relation	rel = RelationIdGetRelation(relid);
	bool		shared;

	if (rel == NULL)
		return false;
	shared = ps_gate_uses_shared(rel);
	RelationClose(rel);
	return shared;
}

static void
settle_relation(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Form_pg_class class;
	RelFileLocator rlocator;
	Oid			given_am = InvalidOid;
	bool		is_written;
	bool		ours = false;
	bool		wrong = false;

	if (!HeapTupleIsValid(tuple))
		return;
	class = (Form_pg_class) GETSTRUCT(tuple);
	is_written = TransactionIdIsCurrentTransactionId(HeapTupleHeaderGetXmin(tuple->t_data));
	if (file_of(class, &rlocator))
	{
		ours = is_ours(class);
		if (ps_holds(rlocator, false))
			wrong = !ps_holds(rlocator, ours);	/* also where the change was
												 * undone */
		else if (is_written)
			wrong = (ours ? !ps_registry_pool_owns(rlocator) : ps_registry_may_have_frames(rlocator)) &&
				has_changed(class) && !(ours && skips_wal(relid));
		if (wrong && ours)
			given_am = class->relam;
	}
	else if (class->relkind == RELKIND_PARTITIONED_TABLE && is_written && has_changed(class))
		given_am = class->relam;	/* whosever: it may be gone by now */
	ReleaseSysCache(tuple);
	if (OidIsValid(given_am))
	{
		ps_am_lock(given_am);
		lock_to_the_end(AccessMethodRelationId, given_am, AccessShareLock);
	}
	if (wrong)
		take_over(rlocator, ours);
}

/*
 * A change made outside of this transaction is none of our business, and who
 * has no id has changed nothing.
 */
static void
settle_suspects(void)
{
	if (GetTopTransactionIdIfAny() != suspects_xid)
		nsuspects = 0;
	else if (!IsTransactionState() || HistoricSnapshotActive() || InterruptHoldoffCount > 0)
		return;					/* not now: the catalog can't be read, or a
								 * lock is held */

	/*
	 * more may come while locks are waited for; after an error the rest is
	 * still to be done
	 */
	for (int i = 0; i < nsuspects; i++)
	{
		if (!OidIsValid(suspects[i]))
			continue;
		settle_relation(suspects[i]);
		suspects[i] = InvalidOid;
	}
	nsuspects = 0;
	ps_unsettled = false;
}

/* Two relations may share a file for a while, in the middle of a swap, but not afterwards. */
static void
check_held(void)
{
	int			n;
	RelFileLocator *rlocators = ps_held(&n);

	for (int i = 0; i < n; i++)
	{
		Names		names = {0};

		collect_names(rlocators[i], NULL, &names);
		if (names.ours && names.other)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table \"%s\" of pagestore and relation \"%s\" would have the same file",
							names.ours, names.other),
					 errdetail("Both have relfilenode %u.", rlocators[i].relNumber)));
	}
	if (rlocators)
		pfree(rlocators);
}

/* ---- when ---- */

void
ps_settle_ownership(void)
{
	if (unlikely(ps_unsettled))
		settle_suspects();
}

static void
before_commit(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_PRE_COMMIT && event != XACT_EVENT_PRE_PREPARE)
		return;

	/* what the last command has changed becomes known at its end */
	if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
		CommandCounterIncrement();
	ps_settle_ownership();
	if (ps_holds_any())
		check_held();
}

static void
executor_start(QueryDesc *desc, int eflags)
{
	ps_settle_ownership();
	if (prev_executor_start)
		prev_executor_start(desc, eflags);
	else
		standard_ExecutorStart(desc, eflags);
}

void
ps_ownership_init(void)
{
	ps_settle = settle_suspects;
	CacheRegisterRelcacheCallback(at_relcache_invalidation, (Datum) 0);
	RegisterXactCallback(before_commit, NULL);
	prev_executor_start = ExecutorStart_hook;
	ExecutorStart_hook = executor_start;
}

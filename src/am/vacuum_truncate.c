/*
 * vacuum_truncate.c
 *		VACUUM gives the empty tail of a table back.
 */
#include "postgres.h"

#include "am/vacuum_truncate.h"
#include "commands/progress.h"
#include "miscadmin.h"
#include "page/storage.h"
#include "page/view.h"
#include "pgstat.h"
#include "portability/instr_time.h"
#include "storage/latch.h"
#include "storage/lmgr.h"
#include "utils/snapmgr.h"
#include "utils/wait_event.h"

/* Worth a try with this many pages to gain, or this part of the table. */
#define ENOUGH_PAGES	((BlockNumber) 1000)
#define ENOUGH_FRACTION	16

/* Milliseconds: between tries to get the lock, for all tries together, between looks for others who want it. */
#define LOCK_RETRY_MS	50
#define LOCK_GIVE_UP_MS	5000
#define LOCK_CHECK_MS	20

#define READ_AHEAD		((BlockNumber) 32)	/* power of 2 */

/*
 * The lock stops everybody, and its record every standby.  Not worth it for a
 * few pages, or when ids run out (locking could take one).  With
 * old_snapshot_threshold a scan must find the page that tells it that its
 * snapshot is too old.
 */
static bool
worth_it(const PsVacuum *v)
{
	BlockNumber gain = v->pages - v->nonempty;

	if (!v->truncation || v->failsafe || old_snapshot_threshold >= 0)
		return false;
	return gain > 0 && (gain >= ENOUGH_PAGES || gain >= v->pages / ENOUGH_FRACTION);
}

/* Never wait in the lock's queue: others would queue up behind us. */
static bool
get_lock(PsVacuum *v)
{
	for (int tries = 0; !ConditionalLockRelation(v->rel, AccessExclusiveLock); tries++)
	{
		CHECK_FOR_INTERRUPTS();
		if (tries == LOCK_GIVE_UP_MS / LOCK_RETRY_MS)
		{
			ereport(v->verbose ? INFO : DEBUG2,
					(errmsg("\"%s\": stopping truncate due to conflicting lock request",
							v->name)));
			return false;
		}
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
						 LOCK_RETRY_MS, WAIT_EVENT_VACUUM_TRUNCATE);
		ResetLatch(MyLatch);
	}
	return true;
}

/* Does somebody wait for our lock?  Looks only now and then: *last is when it did. */
static bool
somebody_waits(PsVacuum *v, instr_time *last)
{
	instr_time	now,
				passed;

	INSTR_TIME_SET_CURRENT(now);
	passed = now;
	INSTR_TIME_SUBTRACT(passed, *last);
	if (INSTR_TIME_GET_MILLISEC(passed) < LOCK_CHECK_MS)
		return false;
	*last = now;
	if (!LockHasWaitersRelation(v->rel, AccessExclusiveLock))
		return false;
	ereport(v->verbose ? INFO : DEBUG2,
			(errmsg("table \"%s\": suspending truncate due to conflicting lock request",
					v->name)));
	return true;
}

/* A line pointer in use, even a dead one (an index may name it), keeps a page. */
static bool
page_in_use(PsVacuum *v, BlockNumber block)
{
	PsPin		pin = ps_pin(v->rel, block);
	PsRead		guard;
	bool		used = false;

	ps_read_lock(v->rel, &pin, &guard);
	if (!PageIsNew(unconstify(char *, guard.page)))
		for (OffsetNumber offset = ps_page_nitems(guard.page);
			 offset >= FirstOffsetNumber && !used; offset--)
			used = ItemIdIsUsed(ps_page_item(guard.page, offset));
	ps_read_unlock(&guard);
	ps_unpin(&pin);
	return used;
}

/*
 * Where does the empty tail begin?  Others may have used its pages since we
 * saw them.  Backwards from the end, under the lock; stops early, with
 * *interrupted set, if somebody waits for it.
 */
static BlockNumber
find_tail(PsVacuum *v, bool *interrupted)
{
	BlockNumber block;
	BlockNumber ahead = v->pages;
	instr_time	last_look;

	INSTR_TIME_SET_CURRENT(last_look);
	*interrupted = false;
	for (block = v->pages; block > v->nonempty; block--)
	{
		if (block % READ_AHEAD == 0 && somebody_waits(v, &last_look))
		{
			*interrupted = true;
			return block;
		}

		/* No delay point: the lock is not to be kept longer than it takes. */
		CHECK_FOR_INTERRUPTS();

		if (block <= ahead)
		{
			ahead = (block - 1) & ~(READ_AHEAD - 1);
			(void) ps_prefetch_run(v->rel, ahead, block - ahead);
		}
		if (page_in_use(v, block - 1))
			return block;
	}
	return v->nonempty;
}

/* One try under the lock; *again tells that it ended early and should be repeated. */
static void
truncate_once(PsVacuum *v, bool *again)
{
	BlockNumber pages = v->pages;
	BlockNumber tail;

	*again = false;

	/*
	 * Grown since: the new pages are in use.  v->pages stays, for the
	 * estimates that were made with it.
	 */
	if (ps_nblocks(v->rel) != pages)
		return;

	tail = find_tail(v, again);
	v->at.block = tail;
	if (tail >= pages)
	{
		*again = false;
		return;
	}

	ps_truncate(v->rel, tail);
	v->truncated += pages - tail;
	v->pages = tail;
}

void
ps_vacuum_truncate(PsVacuum *v)
{
	bool		again;

	if (!worth_it(v))
		return;

	pgstat_progress_update_param(PROGRESS_VACUUM_PHASE, PROGRESS_VACUUM_PHASE_TRUNCATE);
	(void) ps_vacuum_at(v, PS_VACUUM_TRUNCATE, v->nonempty);
	do
	{
		BlockNumber before = v->pages;

		if (!get_lock(v))
			return;
		truncate_once(v, &again);

		/*
		 * Others learn of the new size from the invalidation, at the latest
		 * when they lock the table.
		 */
		UnlockRelation(v->rel, AccessExclusiveLock);
		if (v->pages < before)
			ereport(v->verbose ? INFO : DEBUG2,
					(errmsg("table \"%s\": truncated %u to %u pages",
							v->name, before, v->pages)));
	} while (again && v->pages > v->nonempty);
}

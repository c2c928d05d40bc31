/*
 * lock.c
 *		The order of locks, asserted in debug builds.
 */
#include "postgres.h"

#include "debug/lock.h"
#include "utils/wait_event.h"

#ifdef PAGESTORE_DEBUG

#define MAX_RANKED 16			/* tranches */
#define MAX_HELD 200			/* as many as core lets a process hold */

static struct
{
	int			tranche;
	PsLockRank	rank;
	PsLockOrder order;
}			ranked[MAX_RANKED];
static int	nranked = 0;

/* Of this process, as it took them. */
static PsLock *held[MAX_HELD];
static int	nheld = 0;
int			ps_spins_held = 0;

static int
find_tranche(int tranche)
{
	int			i = 0;

	while (i < nranked && ranked[i].tranche != tranche)
		i++;
	return i;
}

/* Once more where shared memory was made anew. */
void
ps_lock_set_rank(int tranche, PsLockRank rank, PsLockOrder order)
{
	int			i = find_tranche(tranche);

	Assert(i < MAX_RANKED);
	nranked = Max(nranked, i + 1);
	ranked[i].tranche = tranche;
	ranked[i].rank = rank;
	ranked[i].order = order;
}

static PsLockRank
rank_of(const PsLock *lock)
{
	int			i = find_tranche(lock->lwlock.tranche);

	return i < nranked ? ranked[i].rank : PS_RANK_NONE;
}

/* Both are of one rank. */
static bool
in_order(const PsLock *first, const PsLock *second)
{
	PsLockOrder order = ranked[find_tranche(second->lwlock.tranche)].order;

	return order != NULL && order(first, second);
}

static inline bool
is_leaf(PsLockRank rank)
{
	return rank == PS_RANK_REGISTRY || rank == PS_RANK_PASS || rank == PS_RANK_SHARE ||
		rank == PS_RANK_POLICY || rank == PS_RANK_CURVE;
}

static const char *
name_of(const PsLock *lock)
{
	return GetLWLockIdentifier(PG_WAIT_LWLOCK, lock->lwlock.tranche);
}

/* After an error core lets go of all, unseen by us. */
static void
drop_released(void)
{
	int			n = 0;

	for (int i = 0; i < nheld; i++)
		if (LWLockHeldByMe(&held[i]->lwlock))
			held[n++] = held[i];
	nheld = n;
}

void
ps_lock_will_wait(PsLock *lock)
{
	PsLockRank	rank = rank_of(lock);

	Assert(rank != PS_RANK_NONE);
	Assert(ps_spins_held == 0);
	drop_released();
	for (int i = 0; i < nheld; i++)
	{
		PsLockRank	other = rank_of(held[i]);

		if (other > rank || is_leaf(other) || (other == rank && !in_order(held[i], lock)))
			elog(PANIC, "pagestore: lock %s is waited for while %s is held",
				 name_of(lock), name_of(held[i]));
	}
}

void
ps_lock_will_try(void)
{
	Assert(ps_spins_held == 0);
	drop_released();
	for (int i = 0; i < nheld; i++)
		if (is_leaf(rank_of(held[i])))
			elog(PANIC, "pagestore: a lock is tried while %s is held", name_of(held[i]));
}

void
ps_lock_had(PsLock *lock)
{
	Assert(nheld < MAX_HELD);
	held[nheld++] = lock;
}

void
ps_lock_gone(PsLock *lock)
{
	for (int i = nheld; i-- > 0;)
		if (held[i] == lock)
		{
			memmove(&held[i], &held[i + 1], (nheld - i - 1) * sizeof(held[0]));
			nheld--;
			return;
		}
	elog(PANIC, "pagestore: lock %s is let go of, but was not taken", name_of(lock));
}

#endif							/* PAGESTORE_DEBUG */

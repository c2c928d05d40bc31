/*
 * lock.h
 *		Locks of ours: LWLocks and spin locks that clang's analysis knows
 *		(capability.h), taken in an order that debug builds assert.
 *
 * A lock may be waited for while others are held only if each of them comes
 * before it in PsLockRank; of one rank, if that rank has an order of its own
 * (latches: lower block first) and it says so.  Under a leaf, and under a spin
 * lock, no other lock is taken at all.  What is only tried may be out of
 * order.  Ranks go by LWLock tranche; locks of core have none.
 */
#ifndef PAGESTORE_DEBUG_LOCK_H
#define PAGESTORE_DEBUG_LOCK_H

#include "postgres.h"
#include "debug/capability.h"
#include "storage/lwlock.h"
#include "storage/spin.h"

typedef enum PsLockRank
{
	PS_RANK_NONE,
	PS_RANK_OWNER,				/* pool: ps_owner_lock */
	PS_RANK_REGISTRY,			/* pool: the registry; a leaf */
	PS_RANK_PASS,				/* pool: passes over large tables; a leaf */
	PS_RANK_SHARE,				/* pool: pieces passed on by scans; a leaf */
	PS_RANK_MOVE,				/* pool: move_lock */
	PS_RANK_LATCH,				/* pool: latches of frames */
	PS_RANK_RING,				/* io: submission and reaping */
	PS_RANK_TABLE,				/* pool: buckets of the page table */
	PS_RANK_POLICY,				/* pool: replacement; a leaf */
	PS_RANK_CURVE				/* pool: the sample of uses; a leaf, and only
								 * tried by those who hold others */
} PsLockRank;

typedef struct PS_CAPABILITY("lock") PsLock
{
	LWLock		lwlock;
} PsLock;

typedef union PsLockPadded
{
	PsLock		lock;
	char		pad[LWLOCK_PADDED_SIZE];
} PsLockPadded;

typedef struct PS_CAPABILITY("spin lock") PsSpin
{
	slock_t		mutex;
} PsSpin;

/* May a lock be waited for while another one of its rank is held? */
typedef bool (*PsLockOrder) (const PsLock *held, const PsLock *wanted);

#ifdef PAGESTORE_DEBUG
/*
 * Locks of this tranche have this rank, and this order among themselves (NULL:
 * one is held at a time); in the postmaster, for its children to inherit.
 */
extern void ps_lock_set_rank(int tranche, PsLockRank rank, PsLockOrder order);

/* Before a lock is waited for, or tried: PANIC where the order is not kept. */
extern void ps_lock_will_wait(PsLock *lock);
extern void ps_lock_will_try(void);

/* It is held from now on; no longer. */
extern void ps_lock_had(PsLock *lock);
extern void ps_lock_gone(PsLock *lock);
extern int	ps_spins_held;		/* by this process */
#else
#define ps_lock_set_rank(tranche, rank, order) ((void) 0)
#define ps_lock_will_wait(lock) ((void) 0)
#define ps_lock_will_try() ((void) 0)
#define ps_lock_had(lock) ((void) 0)
#define ps_lock_gone(lock) ((void) 0)
#endif

static inline void
ps_lock_init(PsLock *lock, int tranche)
{
	LWLockInitialize(&lock->lwlock, tranche);
}

static inline void
ps_lock_exclusive(PsLock *lock) PS_ACQUIRE(lock) PS_UNCHECKED
{
	ps_lock_will_wait(lock);
	LWLockAcquire(&lock->lwlock, LW_EXCLUSIVE);
	ps_lock_had(lock);
}

static inline void
ps_lock_shared(PsLock *lock) PS_ACQUIRE_SHARED(lock) PS_UNCHECKED
{
	ps_lock_will_wait(lock);
	LWLockAcquire(&lock->lwlock, LW_SHARED);
	ps_lock_had(lock);
}

/* For PS_TRY_ACQUIRE(): what was tried is had. */
static inline bool
ps_lock_try(PsLock *lock, LWLockMode mode)
{
	ps_lock_will_try();
	if (!LWLockConditionalAcquire(&lock->lwlock, mode))
		return false;
	ps_lock_had(lock);
	return true;
}

static inline bool
ps_trylock_exclusive(PsLock *lock) PS_TRY_ACQUIRE(true, lock) PS_UNCHECKED
{
	return ps_lock_try(lock, LW_EXCLUSIVE);
}

static inline bool
ps_trylock_shared(PsLock *lock) PS_TRY_ACQUIRE_SHARED(true, lock) PS_UNCHECKED
{
	return ps_lock_try(lock, LW_SHARED);
}

static inline void
ps_unlock(PsLock *lock) PS_RELEASE_ANY(lock) PS_UNCHECKED
{
	ps_lock_gone(lock);
	LWLockRelease(&lock->lwlock);
}

/* Does this process hold it?  For assertions, and what depends on the caller's hold. */
static inline bool
ps_lock_is_held(PsLock *lock)
{
	return LWLockHeldByMe(&lock->lwlock);
}

static inline bool
ps_lock_is_exclusive(PsLock *lock)
{
	return LWLockHeldByMeInMode(&lock->lwlock, LW_EXCLUSIVE);
}

static inline void
ps_spin_init(PsSpin *spin)
{
	SpinLockInit(&spin->mutex);
}

static inline void
ps_spin_lock(PsSpin *spin) PS_ACQUIRE(spin) PS_UNCHECKED
{
	SpinLockAcquire(&spin->mutex);
#ifdef PAGESTORE_DEBUG
	Assert(ps_spins_held == 0);
	ps_spins_held++;
#endif
}

static inline void
ps_spin_unlock(PsSpin *spin) PS_RELEASE(spin) PS_UNCHECKED
{
#ifdef PAGESTORE_DEBUG
	ps_spins_held--;
#endif
	SpinLockRelease(&spin->mutex);
}

#endif							/* PAGESTORE_DEBUG_LOCK_H */

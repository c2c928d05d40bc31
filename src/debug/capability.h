/*
 * capability.h
 *		What must be held where, for clang's thread-safety analysis.
 *
 * scripts/check reads the whole tree with clang -Wthread-safety; other
 * compilers see nothing of this.  A capability is a lock, a latch or a guard,
 * named by an expression of a function's parameters:
 *
 *	extern void ps_read_lock(Relation rel, PsPin *pin, PsRead *guard) PS_ACQUIRE_SHARED(guard);
 *	extern bool ps_row_at(const PsRead *guard, ...) PS_REQUIRES_SHARED(guard);
 *
 * doc/debugging.md tells what the analysis can't see.
 */
#ifndef PAGESTORE_DEBUG_CAPABILITY_H
#define PAGESTORE_DEBUG_CAPABILITY_H

#ifdef __clang__
#define PS_ATTRIBUTE(x) __attribute__((x))
#else
#define PS_ATTRIBUTE(x)
#endif

/* Of a type: its objects are held and let go of. */
#define PS_CAPABILITY(name) PS_ATTRIBUTE(capability(name))

/* Of a function: when it returns, the caller holds it, or no longer holds it.  TRY: if it returns this. */
#define PS_ACQUIRE(...) PS_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define PS_ACQUIRE_SHARED(...) PS_ATTRIBUTE(acquire_shared_capability(__VA_ARGS__))
#define PS_TRY_ACQUIRE(...) PS_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define PS_TRY_ACQUIRE_SHARED(...) PS_ATTRIBUTE(try_acquire_shared_capability(__VA_ARGS__))
#define PS_RELEASE(...) PS_ATTRIBUTE(release_capability(__VA_ARGS__))
#define PS_RELEASE_SHARED(...) PS_ATTRIBUTE(release_shared_capability(__VA_ARGS__))

/* ... in whichever mode. */
#define PS_RELEASE_ANY(...) PS_ATTRIBUTE(release_generic_capability(__VA_ARGS__))

/* Of a function: the caller holds it, before and after; or must not. */
#define PS_REQUIRES(...) PS_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define PS_REQUIRES_SHARED(...) PS_ATTRIBUTE(requires_shared_capability(__VA_ARGS__))
#define PS_EXCLUDES(...) PS_ATTRIBUTE(locks_excluded(__VA_ARGS__))

/* Of a function: from here on it counts as held, for a reason that the analysis does not see. */
#define PS_ASSERT_HELD(...) PS_ATTRIBUTE(assert_capability(__VA_ARGS__))
#define PS_ASSERT_SHARED(...) PS_ATTRIBUTE(assert_shared_capability(__VA_ARGS__))

/* Of a variable or field: read it only with the capability, write it only with all of it. */
#define PS_GUARDED_BY(x) PS_ATTRIBUTE(guarded_by(x))

/* Of a pointer: the same for what it points to. */
#define PS_BEHIND_GUARDED_BY(x) PS_ATTRIBUTE(pt_guarded_by(x))

/* Of a function: its body is not looked into.  With a comment why. */
#define PS_UNCHECKED PS_ATTRIBUTE(no_thread_safety_analysis)

#endif							/* PAGESTORE_DEBUG_CAPABILITY_H */

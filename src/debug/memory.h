/*
 * memory.h
 *		Memory that nobody has the right to touch just now: said to whoever
 *		watches, and spoiled in debug builds.
 *
 * A frame without a pin and a piece of a ring that was given up are such
 * memory.  Closed means: a touch by this process is reported, in a build for
 * AddressSanitizer (bytes read or written) or valgrind (USE_VALGRIND).  Both
 * go by a process; what is mapped shared is closed in each by itself, and a
 * child inherits.  The kernel may read and write all the same.  Spoiled, with
 * PAGESTORE_DEBUG, means overwritten: a stale pointer finds no row there.
 */
#ifndef PAGESTORE_DEBUG_MEMORY_H
#define PAGESTORE_DEBUG_MEMORY_H

#include "postgres.h"
#include "utils/memdebug.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PS_ADDRESS_SANITIZER
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define PS_ADDRESS_SANITIZER
#endif

#ifdef PS_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

/* Is there a watcher? */
#if defined(PS_ADDRESS_SANITIZER) || defined(USE_VALGRIND)
#define PS_MEMORY_WATCHED true
#else
#define PS_MEMORY_WATCHED false
#endif

static inline void
ps_memory_close(const void *start, Size size)
{
#ifdef PS_ADDRESS_SANITIZER
	__asan_poison_memory_region(start, size);
#endif
	VALGRIND_MAKE_MEM_NOACCESS(start, size);
}

static inline void
ps_memory_open(const void *start, Size size)
{
#ifdef PS_ADDRESS_SANITIZER
	__asan_unpoison_memory_region(start, size);
#endif
	VALGRIND_MAKE_MEM_DEFINED(start, size);
}

/* May this process touch the byte, for all that AddressSanitizer knows? */
static inline bool
ps_memory_is_open(const void *byte)
{
#ifdef PS_ADDRESS_SANITIZER
	return !__asan_address_is_poisoned(byte);
#else
	return true;
#endif
}

#ifdef PAGESTORE_DEBUG

#define PS_SPOILED 0x7F

static inline void
ps_memory_spoil(void *start, Size size)
{
	memset(start, PS_SPOILED, size);
}

/* Still as it was left? */
static inline bool
ps_memory_is_spoiled(const char *start, Size size)
{
	return *start == PS_SPOILED && memcmp(start, start + 1, size - 1) == 0;
}

#else
#define ps_memory_spoil(start, size) ((void) 0)
#endif

#endif							/* PAGESTORE_DEBUG_MEMORY_H */

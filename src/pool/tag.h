/*
 * tag.h
 *		How pages and frames are named.
 */
#ifndef PAGESTORE_POOL_TAG_H
#define PAGESTORE_POOL_TAG_H

#include "postgres.h"
#include "server/compat.h"
#include "storage/block.h"

typedef uint32 PsFrame;			/* number of a frame */
#define PS_NO_FRAME PG_UINT32_MAX

/* Which relation's pages, as the pool needs to know it. */
typedef struct PsRelKey
{
	RelFileLocator rlocator;
	bool		permanent;		/* WAL-logged: WAL is flushed before its pages */
} PsRelKey;

/* Identity of a page: main forks only. */
typedef struct PsTag
{
	RelFileLocator rlocator;
	BlockNumber block;
} PsTag;

static inline bool
ps_tag_equal(const PsTag *a, const PsTag *b)
{
	return a->block == b->block && RelFileLocatorEquals(a->rlocator, b->rlocator);
}

/* Multiply and fold: blocks of one relation must spread over buckets and partitions alike. */
static inline uint32
ps_tag_hash(const PsTag *tag)
{
	uint64		h = ((uint64) tag->rlocator.relNumber << 32) | tag->block;

	h ^= ((uint64) tag->rlocator.dbOid << 20) + ((uint64) tag->rlocator.spcOid << 7);
	h *= UINT64CONST(0x9E3779B97F4A7C15);
	h ^= h >> 32;
	h *= UINT64CONST(0xD6E8FEB86659FD93);
	return (uint32) (h >> 32);
}

/* For qsort() and bsearch() of tags: by relation, then by block. */
extern int	ps_tag_compare(const void *a, const void *b);

#endif							/* PAGESTORE_POOL_TAG_H */

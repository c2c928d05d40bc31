/*
 * tag.c
 *		The order of pages.
 */
#include "postgres.h"

#include "pool/tag.h"

int
ps_tag_compare(const void *a, const void *b)
{
	const PsTag *x = a;
	const PsTag *y = b;

	if (x->rlocator.spcOid != y->rlocator.spcOid)
		return x->rlocator.spcOid < y->rlocator.spcOid ? -1 : 1;
	if (x->rlocator.dbOid != y->rlocator.dbOid)
		return x->rlocator.dbOid < y->rlocator.dbOid ? -1 : 1;
	if (x->rlocator.relNumber != y->rlocator.relNumber)
		return x->rlocator.relNumber < y->rlocator.relNumber ? -1 : 1;
	if (x->block != y->block)
		return x->block < y->block ? -1 : 1;
	return 0;
}

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

	if (x->rnode.spcNode != y->rnode.spcNode)
		return x->rnode.spcNode < y->rnode.spcNode ? -1 : 1;
	if (x->rnode.dbNode != y->rnode.dbNode)
		return x->rnode.dbNode < y->rnode.dbNode ? -1 : 1;
	if (x->rnode.relNode != y->rnode.relNode)
		return x->rnode.relNode < y->rnode.relNode ? -1 : 1;
	if (x->block != y->block)
		return x->block < y->block ? -1 : 1;
	return 0;
}

/*
 * budget.h
 *		What pool and shared_buffers of other sizes would have read lately.
 *
 * For the pool: what it has read at the size that it has, and by the curve of
 * its uses (pool/curve.h) how many more pages it would have found, or fewer.
 *
 * Core remembers nothing of what has left shared_buffers.  What wants to be
 * there is known as long as some buffers were never used.  Otherwise it is
 * taken to be all relations of this database that are read through them, by
 * core's counts and the catalog's sizes, and to be used evenly: the more of
 * its pages fit, the fewer are read.
 */
#ifndef PAGESTORE_ADMIN_BUDGET_H
#define PAGESTORE_ADMIN_BUDGET_H

#include "pool/curve.h"

/* Lately; all in pages. */
typedef struct PsBudget
{
	PsCurve		seen;
	double		pool_size;
	double		shared_size;
	double		shared_wanted;	/* what wants to be in shared_buffers */
} PsBudget;

/* In a transaction: reads pg_class. */
extern void ps_budget_measure(PsBudget *budget);

/* Reads that are expected with so many pages; as many as there were, with the size that it has. */
extern double ps_budget_pool_reads(const PsBudget *budget, double size);
extern double ps_budget_shared_reads(const PsBudget *budget, double size);

/* So many pages of memory, how divided. */
typedef struct PsSplit
{
	double		pool;
	double		shared;
	double		reads;			/* expected, of both */
} PsSplit;

/*
 * The split of so much memory that is expected to read least; of those that
 * are nearly as good, the one nearest to what the pool has now.  Sizes of the
 * pool are whole megabytes, except that it may stay as large as it is.
 */
extern PsSplit ps_budget_best_split(const PsBudget *budget, double memory);

#endif							/* PAGESTORE_ADMIN_BUDGET_H */

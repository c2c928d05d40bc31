/*
 * deform.h
 *		From a row's bytes to its values: what a row type says about where they are,
 *		worked out once.
 */
#ifndef PAGESTORE_AM_DEFORM_H
#define PAGESTORE_AM_DEFORM_H

#include "access/htup_details.h"
#include "access/tupdesc.h"

typedef struct PsDeform PsDeform;

/*
 * For rows of this type, which must not change meanwhile: a slot that was made
 * for it holds it.  One chunk of memory in the context.
 */
extern PsDeform *ps_deform_begin(TupleDesc desc, MemoryContext context);

/*
 * Fill in values[] and isnull[] of columns [from, to), as far as the row has
 * them (one written before columns were added has fewer); returns the first one
 * not filled in.  Values that are passed by reference point into the row.  *off
 * is where the value of column from - 1 ends, 0 for the first column, and comes
 * back for the next call: as core's functions leave it, compiled ones too.
 */
extern int	ps_deform(const PsDeform *deform, const HeapTupleHeaderData *header, int from, int to,
					  uint32 *off, Datum *values, bool *isnull);

/*
 * A row soon to come, of which as many bytes will be looked at as of the last
 * one: its cache lines are asked for.  It may begin anywhere in one, and the
 * address need not be valid.
 */
#define PS_CACHE_LINE	64
#define PS_EXPECTED_MOST	1024

static inline void
ps_deform_expect(const char *row, uint32 bytes)
{
	for (uint32 i = 0; i < Min(bytes, PS_EXPECTED_MOST) + PS_CACHE_LINE - 1; i += PS_CACHE_LINE)
		__builtin_prefetch(row + i);
}

/*
 * Where the value of a column (from 0) lies in each row that has it and no nulls
 * up to it: bytes from the row's data.  -1 if it depends on the row.
 */
extern int	ps_deform_place(const PsDeform *deform, int column);

/* The values of a column with that place, of n such rows. */
extern void ps_deform_column(const PsDeform *deform, int column, int place,
							 const HeapTupleHeaderData *const *headers, int n, Datum *values);

#endif							/* PAGESTORE_AM_DEFORM_H */

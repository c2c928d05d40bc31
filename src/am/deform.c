/*
 * deform.c
 *		From a row's bytes to its values.
 *
 * Values lie one behind the other, each aligned, nulls left out.  What the row
 * type says of a column's place and kind is kept here in six bytes a column,
 * while its attribute has it spread over a hundred; and so is how many columns
 * from there on are of one kind and width, as in rows of numbers: these are
 * taken in a loop of loads and stores.  Behind a value of variable width the
 * next one can be found only by its length, which is what is left of the time.
 */
#include "postgres.h"

#include "am/deform.h"
#include "port/pg_bitutils.h"

typedef enum Kind
{
	VALUE_1,					/* passed by value, of so many bytes */
	VALUE_2,
	VALUE_4,
	VALUE_8,
	REFERENCE,					/* of a fixed width */
	VARLENA,
	CSTRING
} Kind;

typedef struct Column
{
	uint8		kind;
	uint8		align;			/* alignment, less one */
	uint16		width;			/* if it is fixed */
	uint16		run;			/* columns from here on whose values lie and
								 * are fetched alike: one behind the other */
} Column;

struct PsDeform
{
	int			natts;
	Column		columns[FLEXIBLE_ARRAY_MEMBER];
};

static uint8
align_mask(char typalign)
{
	switch (typalign)
	{
		case TYPALIGN_CHAR:
			return 0;
		case TYPALIGN_SHORT:
			return ALIGNOF_SHORT - 1;
		case TYPALIGN_INT:
			return ALIGNOF_INT - 1;
		default:
			Assert(typalign == TYPALIGN_DOUBLE);
			return ALIGNOF_DOUBLE - 1;
	}
}

static Kind
kind_of(Form_pg_attribute att)
{
	if (att->attlen == -1)
		return VARLENA;
	if (att->attlen == -2)
		return CSTRING;
	if (!att->attbyval)
		return REFERENCE;
	switch (att->attlen)
	{
		case 1:
			return VALUE_1;
		case 2:
			return VALUE_2;
		case 4:
			return VALUE_4;
		case 8:
			return VALUE_8;
	}
	elog(ERROR, "unsupported length of a value passed by value: %d", att->attlen);
}

static inline uint32
aligned(uint32 off, const Column *column)
{
	return (off + column->align) & ~(uint32) column->align;
}

/* Are both of one fixed width and fetched alike, with no padding between them? */
static bool
goes_on(const Column *a, const Column *b)
{
	return a->kind == b->kind && a->align == b->align && a->width == b->width &&
		a->width > 0 && (a->width & a->align) == 0;
}

PsDeform *
ps_deform_begin(TupleDesc desc, MemoryContext context)
{
	PsDeform   *d = MemoryContextAlloc(context, offsetof(PsDeform, columns) +
									   desc->natts * sizeof(Column));

	d->natts = desc->natts;
	for (int i = desc->natts - 1; i >= 0; i--)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);
		Column	   *column = &d->columns[i];

		column->kind = kind_of(att);
		column->align = align_mask(att->attalign);
		column->width = att->attlen > 0 ? att->attlen : 0;
		column->run = i < desc->natts - 1 && goes_on(column, column + 1) ? column[1].run + 1 : 1;
	}
	return d;
}

/*
 * The value at p, which is aligned as its length wants if it is passed by value.
 * Tests in a row, not a jump by a table, whose target a processor predicts less
 * well.
 */
static pg_attribute_always_inline Datum
value_at(Kind kind, const char *p)
{
	if (kind == VALUE_4)
		return Int32GetDatum(*(const int32 *) p);
	if (kind == VALUE_8)
		return *(const Datum *) p;
	if (kind == VALUE_1)
		return CharGetDatum(*p);
	if (kind == VALUE_2)
		return Int16GetDatum(*(const int16 *) p);
	return PointerGetDatum(p);
}

StaticAssertDecl(sizeof(Datum) == 8, "a value of eight bytes is a Datum");

/* The value of a column that is there, behind the one that ended at *off. */
static pg_attribute_always_inline Datum
next_value(const Column *column, const char *data, uint32 *off)
{
	Datum		value;

	if (column->kind == VARLENA)
	{
		/*
		 * A short one is not aligned; padding is zero, which begins no short
		 * one.
		 */
		if (unlikely(data[*off] == 0))
			*off = aligned(*off, column);
		value = PointerGetDatum(data + *off);
		*off += VARSIZE_ANY(data + *off);
		return value;
	}
	*off = aligned(*off, column);
	value = value_at(column->kind, data + *off);
	*off += column->kind == CSTRING ? strlen(data + *off) + 1 : column->width;
	return value;
}

/* n columns that are fetched alike, one behind the other. */
static pg_attribute_always_inline void
take_run(Kind kind, const char *p, int width, int n, Datum *values)
{
	for (int i = 0; i < n; i++)
		values[i] = value_at(kind, p + i * width);
}

/* n columns are no nulls.  Stores of words: the library's function takes longer to reach than there is to do. */
static pg_attribute_always_inline void
none_null(bool *isnull, int n)
{
	for (; n >= 8; n -= 8, isnull += 8)
		memset(isnull, false, 8);
	if (n & 4)
	{
		memset(isnull, false, 4);
		isnull += 4;
	}
	if (n & 2)
	{
		memset(isnull, false, 2);
		isnull += 2;
	}
	if (n & 1)
		*isnull = false;
}

/* Columns [from, to), all there. */
static pg_attribute_always_inline uint32
columns_there(const PsDeform *d, const char *data, uint32 off, int from, int to, Datum *values)
{
	while (from < to)
	{
		const Column *column = &d->columns[from];
		int			n;

		for (; from < to && column->run == 1; from++, column++)
			values[from] = next_value(column, data, &off);
		if (from == to)
			break;

		n = Min(column->run, to - from);
		off = aligned(off, column);
		if (column->kind == VALUE_4)
			take_run(VALUE_4, data + off, 4, n, values + from);
		else if (column->kind == VALUE_8)
			take_run(VALUE_8, data + off, 8, n, values + from);
		else
			take_run(column->kind, data + off, column->width, n, values + from);
		off += n * column->width;
		from += n;
	}
	return off;
}

/* Bits of the columns from the first of a word on (a multiple of 64): set, the column is there.  natts: of the row. */
static inline uint64
bits_there(const uint8 *bitmap, int first, int natts)
{
	const uint8 *p = bitmap + first / 8;
	int			length = Min(BITMAPLEN(natts) - first / 8, 8);
	uint64		bits = 0;

#ifndef WORDS_BIGENDIAN
	if (length == 8)
	{
		memcpy(&bits, p, 8);
		return bits;
	}
#endif
	for (int i = 0; i < length; i++)
		bits |= (uint64) p[i] << (8 * i);
	return bits;
}

/* As ps_deform(), of a row with nulls: a word of its bitmap at a time. */
static pg_noinline uint32
some_columns_there(const PsDeform *d, const HeapTupleHeaderData *header, uint32 off, int from, int to,
				   Datum *values, bool *isnull)
{
	const char *data = (const char *) header + header->t_hoff;
	int			natts = HeapTupleHeaderGetNatts(header);

	while (from < to)
	{
		int			bit = from % 64;
		int			end = Min(to, from - bit + 64);
		uint64		bits = bits_there(header->t_bits, from - bit, natts) >> bit;
		int			whole = ~bits == 0 ? 64 : pg_rightmost_one_pos64(~bits);

		/* up to the first null as in a row without one */
		whole = Min(whole, end - from);
		off = columns_there(d, data, off, from, from + whole, values);
		none_null(isnull + from, whole);
		from += whole;
		if (from < end)
			bits >>= whole;
		for (; from < end; from++, bits >>= 1)
		{
			isnull[from] = (bits & 1) == 0;
			values[from] = (bits & 1) ? next_value(&d->columns[from], data, &off) : (Datum) 0;
		}
	}
	return off;
}

int
ps_deform(const PsDeform *d, const HeapTupleHeaderData *header, int from, int to,
		  uint32 *off, Datum *values, bool *isnull)
{
	Assert(from >= 0 && to <= d->natts);

	to = Min(to, HeapTupleHeaderGetNatts(header));
	if (from >= to)
		return from;
	if (header->t_infomask & HEAP_HASNULL)
		*off = some_columns_there(d, header, *off, from, to, values, isnull);
	else
	{
		*off = columns_there(d, (const char *) header + header->t_hoff, *off, from, to, values);
		none_null(isnull + from, to - from);
	}
	return to;
}

int
ps_deform_place(const PsDeform *d, int column)
{
	uint32		off = 0;

	for (int i = 0; i < column; i++)
	{
		if (d->columns[i].width == 0)
			return -1;
		off = aligned(off, &d->columns[i]) + d->columns[i].width;
	}
	return d->columns[column].width == 0 ? -1 : (int) aligned(off, &d->columns[column]);
}

static pg_attribute_always_inline void
take_column(Kind kind, int place, const HeapTupleHeaderData *const *headers, int n, Datum *values)
{
	for (int i = 0; i < n; i++)
		values[i] = value_at(kind, (const char *) headers[i] + headers[i]->t_hoff + place);
}

void
ps_deform_column(const PsDeform *d, int column, int place,
				 const HeapTupleHeaderData *const *headers, int n, Datum *values)
{
	Kind		kind = d->columns[column].kind;

	if (kind == VALUE_4)
		take_column(VALUE_4, place, headers, n, values);
	else if (kind == VALUE_8)
		take_column(VALUE_8, place, headers, n, values);
	else
		take_column(kind, place, headers, n, values);
}

/*
 * check_found.c
 *		What pagestore_check() has found: kept while a page is latched, then rows
 *		of the result.
 */
#include "postgres.h"

#include "admin/check_found.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

typedef struct Finding
{
	OffsetNumber offset;
	int			attribute;
	const char *message;
} Finding;

void
ps_put_finding(PsCheck *check, BlockNumber block, OffsetNumber offset, int attribute, const char *message)
{
	Datum		values[4] = {0};
	bool		nulls[4] = {0};

	values[0] = Int64GetDatum(block);
	nulls[0] = !BlockNumberIsValid(block);
	values[1] = Int32GetDatum(offset);
	nulls[1] = offset == InvalidOffsetNumber;
	values[2] = Int32GetDatum(attribute);
	nulls[2] = attribute == PS_NO_ATTRIBUTE;
	values[3] = CStringGetTextDatum(message);
	tuplestore_putvalues(check->result->setResult, check->result->setDesc, values, nulls);
	check->nfound++;
}

void
ps_found(PsCheck *check, OffsetNumber offset, int attribute, const char *format,...)
{
	MemoryContext old = MemoryContextSwitchTo(check->page_context);
	Finding    *finding = palloc(sizeof(Finding));
	StringInfoData text;
	int			needed;

	initStringInfo(&text);
	for (;;)
	{
		va_list		args;

		va_start(args, format);
		needed = appendStringInfoVA(&text, format, args);
		va_end(args);
		if (needed == 0)
			break;
		enlargeStringInfo(&text, needed);
	}
	*finding = (Finding)
	{
		offset, attribute, text.data
	};
	check->findings = lappend(check->findings, finding);
	MemoryContextSwitchTo(old);
}

void
ps_forget_found(PsCheck *check)
{
	check->findings = NIL;
	check->toasted = NIL;
	check->look_again = false;
	MemoryContextReset(check->page_context);
}

void
ps_put_found(PsCheck *check)
{
	MemoryContext old = MemoryContextSwitchTo(check->page_context);
	ListCell   *cell;

	foreach(cell, check->findings)
	{
		Finding    *finding = lfirst(cell);

		ps_put_finding(check, check->block, finding->offset, finding->attribute, finding->message);
	}
	MemoryContextSwitchTo(old);
}

/*
 * row.h
 *		What the functions that show statistics have in common: their rows, and who
 *		may see them.
 */
#ifndef PAGESTORE_ADMIN_ROW_H
#define PAGESTORE_ADMIN_ROW_H

#include "fmgr.h"
#include "funcapi.h"

/*
 * The row that the function returns, or the rows: ereport(ERROR) unless it is
 * declared in SQL with so many columns, as when the library is newer than the
 * extension's script.
 */
extern TupleDesc ps_result_row(FunctionCallInfo fcinfo, int ncolumns);
extern ReturnSetInfo *ps_result_rows(FunctionCallInfo fcinfo, int ncolumns);

/* May the caller see what a process of this role does?  As for pg_stat_activity. */
extern bool ps_may_see(Oid role);

#endif							/* PAGESTORE_ADMIN_ROW_H */

/*
 * vacuum_report.h
 *		What VACUUM VERBOSE and autovacuum's log say.
 */
#ifndef PAGESTORE_AM_VACUUM_REPORT_H
#define PAGESTORE_AM_VACUUM_REPORT_H

#include "am/vacuum_state.h"

typedef struct PsVacuumReport PsVacuumReport;

/* Note the use of resources from here on.  NULL, which the others take, if nobody wants to know. */
extern PsVacuumReport *ps_vacuum_report_begin(const PsVacuum *v, const VacuumParams *params);

/* Note what became of the indexes, while they are open. */
extern void ps_vacuum_report_indexes(PsVacuumReport *report, const PsVacuum *v);

/* Write the report, unless the run was shorter than log_min_duration. */
extern void ps_vacuum_report_end(PsVacuumReport *report, const PsVacuum *v, const VacuumParams *params,
								 bool frozenxid_updated, bool minmulti_updated);

#endif							/* PAGESTORE_AM_VACUUM_REPORT_H */

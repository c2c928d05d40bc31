/*
 * io_time.c
 *		Time that reads and writes take, where track_io_timing asks for it.
 */
#include "postgres.h"

#include "executor/instrument.h"
#include "pgstat.h"
#include "pool/io_time.h"
#include "pool/stats.h"
#include "server/compat.h"
#include "storage/bufmgr.h"

instr_time
ps_io_clock(void)
{
	instr_time	now;

	INSTR_TIME_SET_ZERO(now);
	if (track_io_timing)
		INSTR_TIME_SET_CURRENT(now);
	return now;
}

/* False: nobody asks for it, or did not when it began. */
static bool
time_since(instr_time start, instr_time *spent)
{
	if (!track_io_timing || INSTR_TIME_IS_ZERO(start))
		return false;
	INSTR_TIME_SET_CURRENT(*spent);
	INSTR_TIME_SUBTRACT(*spent, start);
	return true;
}

void
ps_io_time_read(instr_time start)
{
	instr_time	spent;

	if (!time_since(start, &spent))
		return;
	pgstat_count_buffer_read_time(INSTR_TIME_GET_MICROSEC(spent));
	INSTR_TIME_ADD(pgBufferUsage.shared_blk_read_time, spent);
	ps_count(PS_COUNT_READ_TIME, INSTR_TIME_GET_MICROSEC(spent));
}

void
ps_io_time_written(instr_time start)
{
	instr_time	spent;

	if (!time_since(start, &spent))
		return;
	pgstat_count_buffer_write_time(INSTR_TIME_GET_MICROSEC(spent));
	INSTR_TIME_ADD(pgBufferUsage.shared_blk_write_time, spent);
	ps_count(PS_COUNT_WRITE_TIME, INSTR_TIME_GET_MICROSEC(spent));
}

/*
 * io_time.h
 *		Time that reads and writes take, where track_io_timing asks for it.
 *
 * It is counted where core counts that of shared buffers (EXPLAIN, VACUUM,
 * pg_stat_database), and for pg_stat_pagestore.
 */
#ifndef PAGESTORE_POOL_IO_TIME_H
#define PAGESTORE_POOL_IO_TIME_H

#include "postgres.h"
#include "portability/instr_time.h"

/* Now; zero, without a look at the clock, where nobody asks. */
extern instr_time ps_io_clock(void);

/* What began then, by ps_io_clock(), is over. */
extern void ps_io_time_read(instr_time start);
extern void ps_io_time_written(instr_time start);

#endif							/* PAGESTORE_POOL_IO_TIME_H */

/*
 * iostat.h
 *		What reads and writes add to core's statistics: pg_stat_io (from server 16
 *		on), and, where track_io_timing asks for it, the time that they take.
 *
 * pg_stat_io knows a context for each operation.  Pages that are read around
 * the pool count as "bulkread"; for the rest a process says what it is about
 * by ps_iostat_enter(), and is at "normal" otherwise.  Servers before 18 count
 * pages, from 18 on requests and bytes.
 *
 * Time is counted where core counts that of shared buffers, too (EXPLAIN,
 * VACUUM, pg_stat_database), and for pg_stat_pagestore.
 */
#ifndef PAGESTORE_POOL_IOSTAT_H
#define PAGESTORE_POOL_IOSTAT_H

#include "portability/instr_time.h"
#include "server/compat.h"

/*
 * What this process does from here on counts in that context; returns the one
 * before, to go back to.  After an error the end of the transaction or
 * subtransaction goes back to "normal".
 */
extern IOContext ps_iostat_enter(IOContext context);

/* So many pages, of so many requests, were read, written or added to a file. */
extern void ps_iostat_read(int requests, int pages);
extern void ps_iostat_around(int pages);	/* around the pool, by one request */
extern void ps_iostat_around_shared(int pages); /* had from a scan that has
												 * read them */
extern void ps_iostat_written(int requests, int pages);

/* A page left the pool to make room; or it was one of few that its process lets stay (recycle.h). */
extern void ps_iostat_evicted(void);
extern void ps_iostat_reused(void);

/* Now; zero, without a look at the clock, where nobody asks. */
extern instr_time ps_iostat_clock(void);

/* What began then, by ps_iostat_clock(), is over. */
extern void ps_iostat_time_read(instr_time start);
extern void ps_iostat_time_around(instr_time start);
extern void ps_iostat_time_written(instr_time start);

/* A page was added to a file, which began then. */
extern void ps_iostat_extended(instr_time start);

/* The end of a transaction: all that has been counted is told to core, which reports it now. */
extern void ps_iostat_at_xact_end(void);

/* An error has ended what this process was about. */
extern void ps_iostat_at_subxact_abort(void);

/* A worker, which has no transactions: report what it has done.  No lock held. */
extern void ps_iostat_report(void);

#endif							/* PAGESTORE_POOL_IOSTAT_H */

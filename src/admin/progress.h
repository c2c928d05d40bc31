/*
 * progress.h
 *		How far commands of ours have come, for views as core's
 *		pg_stat_progress_*.
 *
 * Core's commands report to core, with calls that know core's commands only.
 * Here each process has a place in shared memory, which it alone writes.  It
 * shows one command at a time; a transaction that is rolled back ends it.
 */
#ifndef PAGESTORE_ADMIN_PROGRESS_H
#define PAGESTORE_ADMIN_PROGRESS_H

#include "postgres.h"

typedef enum PsCommand
{
	PS_COMMAND_NONE,
	PS_COMMAND_CONVERT,			/* pagestore_convert(),
								 * pagestore_convert_all(), ALTER TABLE ...
								 * SET ACCESS METHOD */
	PS_COMMAND_PREWARM			/* pagestore_prewarm(), pg_prewarm(), the warm
								 * restart */
} PsCommand;

/* What the views of sql/pagestore--*.sql make columns of, by number. */
#define PS_CONVERT_TO_HEAP			0
#define PS_CONVERT_PHASE			1
#define PS_CONVERT_TABLES_TOTAL		2
#define PS_CONVERT_TABLES_DONE		3	/* with those that had it already */
#define PS_CONVERT_TABLES_SKIPPED	4

#define PS_PREWARM_BLOCKS_TOTAL		0
#define PS_PREWARM_BLOCKS_DONE		1

#define PS_PROGRESS_PARAMS 5

/* Values of PS_CONVERT_PHASE. */
#define PS_CONVERT_INITIALIZING		0
#define PS_CONVERT_WRITING			1
#define PS_CONVERT_LOCKING			2
#define PS_CONVERT_SWITCHING		3

/* From now on this process is at the command; all values are zero. */
extern void ps_progress_begin(PsCommand command, Oid relid);

/* None of these does anything unless the process is at a command. */
extern void ps_progress_relation(Oid relid);
extern void ps_progress_set(int param, int64 value);
extern void ps_progress_end(void);

extern void ps_progress_init(void); /* in _PG_init */
extern Size ps_progress_shmem_size(void);
extern void ps_progress_shmem_init(void);

#endif							/* PAGESTORE_ADMIN_PROGRESS_H */

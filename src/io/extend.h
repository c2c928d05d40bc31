/*
 * extend.h
 *		Growth of a relation's main fork.
 */
#ifndef PAGESTORE_IO_EXTEND_H
#define PAGESTORE_IO_EXTEND_H

#include "postgres.h"
#include "storage/block.h"
#include "utils/rel.h"

/*
 * Grow the main fork by n blocks of zeroes and return the first new block.
 * The caller holds the relation extension lock.  Disk space is allocated
 * physically in steps beyond the visible size (posix_fallocate semantics
 * with FALLOC_FL_KEEP_SIZE), so that a full disk is an error of this statement
 * and the size users see stays true.  Requests the fsync of new segments.
 * ereport(ERROR): ERRCODE_DISK_FULL, ERRCODE_PROGRAM_LIMIT_EXCEEDED.
 */
extern BlockNumber ps_file_extend(Relation rel, BlockNumber n);

#endif							/* PAGESTORE_IO_EXTEND_H */

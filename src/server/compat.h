/*
 * compat.h
 *		What differs between PostgreSQL versions, in one place.
 *
 * The code speaks the newest server's names.  A function, type or field that
 * an older server knows by another name or in another shape gets it here,
 * never an #if at the place of use.  Where more differs than that, a file has
 * a variant for each server, which the Makefile chooses.
 */
#ifndef PAGESTORE_COMPAT_H
#define PAGESTORE_COMPAT_H

#include "postgres.h"

#if PG_VERSION_NUM < 150000 || PG_VERSION_NUM >= 160000
#error "pagestore builds against PostgreSQL 15"
#endif

#if PG_VERSION_NUM < 160000

#include "access/heapam.h"
#include "access/tableam.h"
#include "storage/buf_internals.h"
#include "storage/relfilenode.h"
#include "utils/acl.h"
#include "utils/relfilenodemap.h"

/* a relation's files */
#define RelFileLocator RelFileNode
#define RelFileLocatorEquals(a, b) RelFileNodeEquals(a, b)
#define spcOid spcNode
#define dbOid dbNode
#define relNumber relNode
#define rlocator rnode
#define rd_locator rd_node
#define target_locator target_node
#define relation_set_new_filelocator relation_set_new_filenode
#define RelidByRelfilenumber RelidByRelfilenode
#define RelationMapOidToFilenumber RelationMapOidToFilenode
#define DropRelationBuffers DropRelFileNodeBuffers

/* tags of shared buffers */
#define InitBufferTag(tag, locator, fork, block) INIT_BUFFERTAG(*(tag), *(locator), fork, block)
#define BufTagGetRelFileLocator(tag) ((tag)->rnode)
#define BufTagGetForkNum(tag) ((tag)->forkNum)

/* of pg_class alone */
#define object_ownercheck(class, id, role) \
	(AssertMacro((class) == RelationRelationId), pg_class_ownercheck(id, role))

#define HeapTupleHeaderAdvanceConflictHorizon HeapTupleHeaderAdvanceLatestRemovedXid

/* what this process has counted for a table and not reported yet */
#define ps_table_counts(rel) ((rel)->pgstat_info->t_counts)

#else							/* 16 and later */

#define ps_table_counts(rel) ((rel)->pgstat_info->counts)

#endif							/* 16 */

#if PG_VERSION_NUM < 170000

#define AmAutoVacuumWorkerProcess() IsAutoVacuumWorkerProcess()
#define INVALID_PROC_NUMBER InvalidBackendId
#define shared_blk_read_time blk_read_time
#define shared_blk_write_time blk_write_time
#define ps_lxid(proc) ((proc)->lxid)

/* the checkpointer's statistics */
#define buffers_written buf_written_checkpoints
#define write_time checkpoint_write_time

#else							/* 17 and later */

#define ps_lxid(proc) ((proc)->vxid.lxid)

#endif							/* 17 */

#endif							/* PAGESTORE_COMPAT_H */

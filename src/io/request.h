/*
 * request.h
 *		Reads and writes as methods get them, and the name of a read.
 */
#ifndef PAGESTORE_IO_REQUEST_H
#define PAGESTORE_IO_REQUEST_H

#include "postgres.h"
#include "server/compat.h"
#include "storage/block.h"
#include <sys/uio.h>

#define PS_IO_ALIGN 4096		/* alignment O_DIRECT asks for */
#define PS_IO_MAX_PAGES 128		/* most pages in one request */
#define PS_IO_MAX_READS 64		/* most reads of frames started together */
#define PS_IO_MAX_WRITES 256	/* most writes of a process in flight */

/*
 * Names one request of one generation; all zero: none.  It carries its method,
 * by the place in aio.c's table; the rest is the method's own.
 */
typedef struct PsAioRef
{
	uint32		generation;
	uint32		id:24;			/* from 1 on */
	uint32		method:8;
} PsAioRef;

#define PS_AIO_NONE ((PsAioRef) {0})

/* A name as one word, to be kept where it is read and written in one step. */
static inline uint64
ps_aio_pack(PsAioRef ref)
{
	return (uint64) ref.generation << 32 | (uint64) ref.method << 24 | ref.id;
}

static inline PsAioRef
ps_aio_unpack(uint64 word)
{
	PsAioRef	ref = {
		.generation = word >> 32,
		.id = word & 0xFFFFFF,
		.method = word >> 24 & 0xFF
	};

	return ref;
}

/*
 * Completion of a read into pool frames; called exactly once, in whichever
 * process reaps it, never in a critical section of its own, and must not
 * throw.  It runs with a lock of the ring held: it calls nothing of aio.h and
 * takes no lock under which another process may call ps_aio_read(),
 * ps_aio_done() or ps_aio_wait_slice().  cookies are those of the submission;
 * result is bytes read (short at the end of the file) or -errno; what is
 * missing is for the pool to read again synchronously.
 */
typedef void (*PsAioFrameDone) (const uint32 *cookies, int ncookies, ssize_t result);

/* The name of a read into frames, before it can complete. */
typedef void (*PsAioPrepare) (PsAioRef ref, const uint32 *cookies, int ncookies);

/* A read of adjacent pages.  Valid during the call only, but for the memory that iov points to. */
typedef struct PsIoRead
{
	BlockNumber block;
	int			npages;
	const struct iovec *iov;
	int			niov;
	const uint32 *cookies;		/* pool frames, one a page; NULL: private */
	PsAioRef	ref;			/* its name, given by the method */
} PsIoRead;

/* Reads of one segment, all into frames, or one that is private: as a method gets them. */
typedef struct PsIoRequest
{
	uint8		method;			/* goes into the names */
	RelFileLocator rlocator;
	int			fd;				/* good during the call */
	PsIoRead   *reads;
	int			n;
	PsAioPrepare prepare;		/* or NULL */
	PsAioFrameDone frame_done;	/* for reads into frames */
} PsIoRequest;

/*
 * A write of adjacent pages of one segment.  It and its bytes belong to the io
 * layer, which nobody else changes, from ps_aio_write() to ps_aio_write_wait().
 */
typedef struct PsIoWrite
{
	RelFileLocator rlocator;
	BlockNumber block;
	int			npages;
	char	   *bytes;			/* aligned to PS_IO_ALIGN */
	bool		in_flight;		/* the io layer's own, as result */
	int			result;			/* bytes, or -errno */
} PsIoWrite;

/* Has all of it been written?  Asked when it is over. */
static inline bool
ps_io_write_is_whole(const PsIoWrite *write)
{
	Assert(!write->in_flight);
	return write->result == write->npages * BLCKSZ;
}

#endif							/* PAGESTORE_IO_REQUEST_H */

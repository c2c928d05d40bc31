/*
 * method.h
 *		What an I/O method is: one file with one of these, and a row in aio.c.
 *
 * A name that a method is asked about is one that it gave, and not PS_AIO_NONE.
 * What aio.h says of ps_aio_read(), ps_aio_done() and their like binds the
 * functions here.
 */
#ifndef PAGESTORE_IO_METHOD_H
#define PAGESTORE_IO_METHOD_H

#include "io/request.h"

typedef struct PsIoMethod
{
	const char *name;			/* pagestore.io_method, pg_stat_pagestore */

	/*
	 * Set-up, all NULL where there is none.  shmem_init runs in every process
	 * that attaches shared memory; create in the postmaster only, then and
	 * after a crash: false with the reason where the method can't be had.
	 */
	Size		(*shmem_size) (void);
	void		(*shmem_init) (void);
	bool		(*create) (char *reason, Size size);

	/*
	 * Start the first of the reads, name them, and return how many.  aio.c
	 * asks again for the rest, and reads synchronously what is left when none
	 * is taken.  Waits for nobody.  ereport(ERROR) only for a private one,
	 * before anything was started.
	 */
	int			(*read) (const PsIoRequest *request);

	bool		(*done) (PsAioRef ref);
	bool		(*wait_slice) (PsAioRef ref);
	bool		(*is_late) (PsAioRef ref);
	ssize_t		(*wait) (PsAioRef ref);

	/*
	 * For a view: add to counts[], by number of the PGPROC, the reads that
	 * each process has asked for and whose end nobody has seen yet.  Takes no
	 * lock.  NULL: there are none.
	 */
	void		(*count_reads) (uint32 *counts, int n);

	/*
	 * This process exits, and its writes are over; NULL: it leaves nothing
	 * behind.
	 */
	void		(*leave) (void);

	/*
	 * Start n writes into one segment, whose descriptor is good during the
	 * call, at most PS_IO_MAX_WRITES with those in flight; wait until none of
	 * n is in flight.  write_wait serves no interrupt and does not throw.
	 */
	void		(*write) (int fd, PsIoWrite *writes, int n);
	void		(*write_wait) (PsIoWrite *writes, int n);
} PsIoMethod;

#endif							/* PAGESTORE_IO_METHOD_H */

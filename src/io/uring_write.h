/*
 * uring_write.h
 *		Writes through a ring that belongs to the writing process.
 */
#ifndef PAGESTORE_IO_URING_WRITE_H
#define PAGESTORE_IO_URING_WRITE_H

#include "io/request.h"

/* As PsIoMethod's write and write_wait.  Where there can be no ring each write is done at once; the cause is logged. */
extern void ps_uring_write(int fd, PsIoWrite *writes, int n);
extern void ps_uring_write_wait(PsIoWrite *writes, int n);

#endif							/* PAGESTORE_IO_URING_WRITE_H */

/*
 * io_uring.h
 *		I/O method "io_uring": reads through rings that all processes share.
 */
#ifndef PAGESTORE_IO_IO_URING_H
#define PAGESTORE_IO_IO_URING_H

#include "io/method.h"

/* Refuses a request when no ring can take it; create() fails, with the cause, where there can be no ring. */
extern const PsIoMethod ps_uring_method;

#endif							/* PAGESTORE_IO_IO_URING_H */

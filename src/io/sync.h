/*
 * sync.h
 *		I/O method "sync": reads and writes that are over when they return.
 */
#ifndef PAGESTORE_IO_SYNC_H
#define PAGESTORE_IO_SYNC_H

#include "io/method.h"

/* Takes every request; a read into frames gets no name, being over. */
extern const PsIoMethod ps_sync_method;

#endif							/* PAGESTORE_IO_SYNC_H */

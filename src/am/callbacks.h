/*
 * callbacks.h
 *		Callbacks whose arguments changed in PostgreSQL 19.
 *
 * Ours have the newest server's; callbacks_15.c has what stands before them on
 * older ones.
 */
#ifndef PAGESTORE_AM_CALLBACKS_H
#define PAGESTORE_AM_CALLBACKS_H

#include "access/tableam.h"

/* Fills in the callbacks that this is about. */
extern void ps_changed_callbacks(TableAmRoutine *routine);

#endif							/* PAGESTORE_AM_CALLBACKS_H */

/*
 * behind.h
 *		Code that works on tables behind their access method: refused.
 */
#ifndef PAGESTORE_AM_BEHIND_H
#define PAGESTORE_AM_BEHIND_H

/* Bind the functions by which libraries would do so to guards.  In _PG_init(). */
extern void ps_behind_init(void);

#endif							/* PAGESTORE_AM_BEHIND_H */

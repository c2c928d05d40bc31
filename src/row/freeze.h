/*
 * freeze.h
 *		Carry out freeze plans on a page.
 *
 * Plans are made by core (heap_prepare_freeze_tuple()), which also carries
 * them out on a tuple header; here is what core ties to a Buffer.
 */
#ifndef PAGESTORE_ROW_FREEZE_H
#define PAGESTORE_ROW_FREEZE_H

#include "row/wal_prune.h"

/* Throws if one of n plans, made under this guard, must not be carried out: its row is damaged. */
extern void ps_freeze_check(const PsWrite *guard, const PsFreezePlan *plans, int n) PS_REQUIRES(guard);

/* Carry them out, in the critical section. */
extern void ps_freeze_rows(PsWrite *guard, PsFreezePlan *plans, int n) PS_REQUIRES(guard);

#endif							/* PAGESTORE_ROW_FREEZE_H */

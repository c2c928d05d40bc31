/*
 * behind_newer.h
 *		Functions by which libraries reach pages that not every server has.
 */
#ifndef PAGESTORE_AM_BEHIND_NEWER_H
#define PAGESTORE_AM_BEHIND_NEWER_H

#include "am/imports.h"

#define PS_MOST_NEWER_IMPORTS 8

/* Their guards, and how many. */
extern int	ps_newer_imports(const PsImport **imports);

#endif							/* PAGESTORE_AM_BEHIND_NEWER_H */

/*
 * pagestore.h
 *		What the extension's entry offers to the rest.
 */
#ifndef PAGESTORE_H
#define PAGESTORE_H

/*
 * ereport(ERROR) unless the library was loaded by shared_preload_libraries.  Every way
 * into a pagestore table goes through the handler, which calls this.
 */
extern void ps_require_preloaded(void);

#endif							/* PAGESTORE_H */

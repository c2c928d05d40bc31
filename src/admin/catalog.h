/*
 * catalog.h
 *		The catalog as it was earlier in this transaction.
 */
#ifndef PAGESTORE_ADMIN_CATALOG_H
#define PAGESTORE_ADMIN_CATALOG_H

#include "utils/snapshot.h"

/*
 * A registered snapshot of pg_class and other catalogs that sees what others
 * have committed by now, and what this transaction had done when the command
 * began (FirstCommandId: nothing).
 */
extern Snapshot ps_register_catalog_at(CommandId command);

#endif							/* PAGESTORE_ADMIN_CATALOG_H */

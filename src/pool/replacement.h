/*
 * replacement.h
 *		The replacement policy in use (setting pagestore.replacement).
 */
#ifndef PAGESTORE_POOL_REPLACEMENT_H
#define PAGESTORE_POOL_REPLACEMENT_H

#include "pool/policy.h"
#include "utils/guc.h"

/* The setting, registered in pagestore.c; its values are places in the table of policies. */
extern int	ps_replacement;
#define PS_REPLACEMENT_DEFAULT 3	/* s3fifo */
extern const struct config_enum_entry ps_replacement_options[];

extern const PsPolicy *ps_policy;	/* fixed at start */

/* Choose by the setting, then make its shared memory. */
extern Size ps_policy_shmem_size(void);
extern void ps_policy_shmem_init(void);

#endif							/* PAGESTORE_POOL_REPLACEMENT_H */

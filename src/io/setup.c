/*
 * setup.c
 *		Set-up of the I/O layer.
 */
#include "postgres.h"

#include "io/aio.h"
#include "io/direct.h"
#include "io/notice.h"
#include "io/segment.h"
#include "io/setup.h"
#include "storage/shmem.h"

void
ps_io_init_hooks(void)
{
	ps_segment_init_hooks();
}

Size
ps_io_shmem_size(void)
{
	Size		size = ps_notice_shmem_size();

	size = add_size(size, ps_direct_shmem_size());
	size = add_size(size, ps_aio_shmem_size());
	return size;
}

void
ps_io_shmem_init(void)
{
	ps_notice_shmem_init();
	ps_direct_shmem_init();
	ps_aio_shmem_init();
}

/*
 * pin.c
 *		This process's own pins on frames: first and last, and the end of the
 *		process.
 */
#include "postgres.h"

#include "pool/pin.h"
#include "pool/relcount.h"
#include "storage/ipc.h"

static void end_last_pin(uintptr_t frame);
static void warn_of_leak(uintptr_t frame);

PsNotes		ps_frame_pins = PS_NOTES_INIT(ps_frame_pins, end_last_pin, warn_of_leak);

/* The process holds no pin on the frame any more: its part of the shared count goes. */
static inline void
end_shared_pin(PsFrame frame)
{
	Assert(!ps_lock_is_held(&ps_frame(frame)->latch));
	ps_my_counters->n[PS_COUNT_PINNED]--;
	ps_protect_forbid(frame);
	ps_frame_unpin_raw(frame);
}

static void
end_last_pin(uintptr_t frame)
{
	end_shared_pin((PsFrame) frame);
}

static void
warn_of_leak(uintptr_t frame)
{
	const PsTag *tag = &ps_frame((PsFrame) frame)->tag;

	elog(WARNING, "pagestore: pin leak: frame %u (relation %u/%u/%u, block %u)",
		 (PsFrame) frame, tag->rlocator.spcOid, tag->rlocator.dbOid, tag->rlocator.relNumber, tag->block);
}

/* Backstop for a process that ends without ending its owners. */
static void
end_all_pins(int code, Datum arg)
{
	ps_notes_end_all(&ps_frame_pins);
}

void
ps_frame_pin_attach(void)
{
	static bool attached = false;

	if (!attached)
	{
		ps_counters_attach();
		ps_protect_attach();
		ps_relcount_attach();
		on_shmem_exit(end_all_pins, 0);
		attached = true;
	}
	ps_notes_reserve(&ps_frame_pins);
}

void
ps_pool_pin_again(PsFrame frame)
{
	ps_frame_pin_reserve();
	Assert(ps_frame_pins_own(frame) > 0);
	ps_frame_pin_note(frame);
}

void
ps_pool_unpin(PsFrame frame)
{
	if (ps_notes_drop(&ps_frame_pins, frame))
		end_shared_pin(frame);
}

ResourceOwner
ps_frame_pin_owner(PsFrame frame)
{
	return ps_notes_owner(&ps_frame_pins, frame);
}

bool
ps_pool_is_current(PsFrame frame)
{
	Assert(ps_frame_pins_own(frame) > 0);
	return (ps_frame_state(frame) & PS_TAGGED) != 0;
}

bool
ps_pool_frame_is(PsFrame frame, RelFileLocator rlocator, BlockNumber block)
{
	PsTag		tag = {rlocator, block};

	Assert(ps_frame_pins_own(frame) > 0);
	return ps_tag_equal(&ps_frame(frame)->tag, &tag);
}

void
ps_frame_pin_init(void)
{
	ps_notes_register(&ps_frame_pins);
}

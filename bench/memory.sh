# A memory cgroup of our own, of version 1 or 2, so that both sides of a comparison have the same memory, the page
# cache's included; but huge pages, which neither version counts: servers compared have huge_pages = off.  Sourced after
# scripts/lib.sh by what needs it.  Where the server's memory is to be in huge pages, they are asked of the kernel here, too.
#
#   memory_group NAME MEGABYTES     make it, as root; dies with the reason if that can't be
#   memory_group_make NAME MEGABYTES    the same, for a user with sudo too
#   memory_group_limit MEGABYTES    another limit
#   memory_group_enter [PID]        the process (this shell) and what it starts from here on are in it
#   memory_group_leave [PID]        ... and are back where they were
#   memory_group_remove             when nobody is in it any more
#   huge_pages_for DATADIR          as many are free as the server, which does not run, wants with huge_pages = on.  Just before
#                                   its start: what lies free is taken by any other server that starts with try
#   huge_pages_give_back            there are as many as when this was sourced

CGROUPS=/sys/fs/cgroup

# The hierarchy that has the memory controller: where, and its file for the limit.
if [ -e $CGROUPS/memory/memory.limit_in_bytes ]; then
	memory_root=$CGROUPS/memory memory_limit=memory.limit_in_bytes
elif grep -qsw memory $CGROUPS/cgroup.controllers; then
	memory_root=$CGROUPS memory_limit=memory.max
else
	memory_root=
fi

memory_group() {
	am_root || die "needs root for the memory cgroup and for dropping the page cache"
	memory_group_make "$@"
}

memory_group_make() {
	[ -n "$memory_root" ] || die "needs the memory controller of cgroups, version 1 or 2, at $CGROUPS"
	memory_group=$memory_root/$1
	memory_home=$memory_root$(awk -F: '
		$2 == "memory" { v1_path = $3 } $1 == "0" { v2_path = $3 } END { print v1_path != "" ? v1_path : v2_path }' /proc/self/cgroup)
	[ -d "$memory_home" ] || memory_home=$memory_root	# a container sees its own part only
	if [ $memory_limit = memory.max ] && ! grep -qw memory "$memory_root/cgroup.subtree_control"; then
		memory_write +memory "$memory_root/cgroup.subtree_control" ||
			die "could not hand the memory controller down in $memory_root (a cgroup that has processes cannot: run outside of a container)"
	fi
	as_root mkdir -p "$memory_group" || die "could not make the memory cgroup $memory_group"
	memory_group_limit "$2"
	# a side that swapped would have more memory than the other
	[ ! -e "$memory_group/memory.swap.max" ] || memory_write 0 "$memory_group/memory.swap.max"
}

memory_write() { as_root tee "$2" <<<"$1" >/dev/null; }
memory_group_limit() { memory_write $(($1 * 1024 * 1024)) "$memory_group/$memory_limit"; }
memory_group_enter() { memory_write "${1:-$BASHPID}" "$memory_group/cgroup.procs"; }
memory_group_leave() { memory_write "${1:-$BASHPID}" "$memory_home/cgroup.procs"; }

memory_group_remove() {
	local i
	for i in 1 2 3 4 5; do
		as_root rmdir "$memory_group" 2>/dev/null && return
		sleep 0.5
	done
	[ ! -d "${memory_group:-}" ] || say "the memory cgroup $memory_group could not be removed"
}

HUGE_PAGES=/proc/sys/vm/nr_hugepages
huge_pages_before=
[ ! -e $HUGE_PAGES ] || huge_pages_before=$(<$HUGE_PAGES) # not every kernel has them
huge_pages_give_back() { [ -z "$huge_pages_before" ] || memory_write "$huge_pages_before" $HUGE_PAGES; }
huge_pages_for() {
	local wanted all free
	[ -n "$huge_pages_before" ] || die "this kernel has no huge pages"
	wanted=$(as_server "$BIN/postgres" -D "$1" -c huge_pages=on -C shared_memory_size_in_huge_pages 2>/dev/null) ||
		die "the server does not tell how many huge pages it wants"
	read -r all free < <(awk '{ n[$1] = $2 } END { print n["HugePages_Total:"], n["HugePages_Free:"] - n["HugePages_Rsvd:"] }' /proc/meminfo)
	[ "$free" -ge "$wanted" ] || memory_write $((all - free + wanted)) $HUGE_PAGES
}

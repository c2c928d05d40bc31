# What the scripts share: messages, packages, the PostgreSQL to use, clusters of our own.
# Sourced by bash with `set -euo pipefail` in force.

PATH=$PATH:/usr/sbin:/sbin	# su without "-" leaves them out
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SERVERS="15 17 18 19"		# major versions that the Makefile takes
DEBIAN_SERVER=15			# Debian 12's
[ "$(sed -n 's/^VERSION_ID="\(.*\)"/\1/p' /etc/os-release 2>/dev/null)" != 13 ] || DEBIAN_SERVER=17
export PG_CONFIG=${PG_CONFIG:-/usr/lib/postgresql/$DEBIAN_SERVER/bin/pg_config}
WORK_PARENT=${PAGESTORE_TMPDIR:-/var/tmp}	# not /tmp: often tmpfs, which has no O_DIRECT

say() { printf '%s\n' "== $*"; }
die() { printf '%s: %s\n' "${0##*/}" "$*" >&2; exit 1; }

am_root() { [ "$(id -u)" = 0 ]; }

as_root() {
	if am_root; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "needs root for: $* (run as root, or install sudo)"
	fi
}

installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

apt_install() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@" </dev/null
}

# Install those packages that are missing.  A first PostgreSQL brings no cluster of its own with it.
need_packages() {
	local missing=() p conf=/etc/postgresql-common/createcluster.conf saved
	for p in "$@"; do
		installed "$p" || missing+=("$p")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	command -v apt-get >/dev/null || die "missing packages (${missing[*]}) and no apt-get to install them"
	say "installing ${missing[*]}"
	as_root apt-get update -q </dev/null || say "apt-get update failed: going on with the lists at hand"
	if [[ " ${missing[*]} " =~ \ postgresql-[0-9]+\  ]]; then
		installed postgresql-common || apt_install postgresql-common
		saved=$(mktemp)
		cat "$conf" >"$saved"
		echo "create_main_cluster = false" | as_root tee -a "$conf" >/dev/null
		if ! apt_install "${missing[@]}"; then
			as_root tee "$conf" <"$saved" >/dev/null
			die "could not install packages"
		fi
		as_root tee "$conf" <"$saved" >/dev/null
		rm -f "$saved"
	else
		apt_install "${missing[@]}" || die "could not install packages"
	fi
}

BUILD_PACKAGES=(gcc make libc6-dev liburing-dev)

# A server at Debian's place for it is installed where it is missing; another is the caller's to provide.
need_server() {
	local v
	if v=$(debian_server); then
		need_packages "postgresql-$v" "postgresql-client-$v" "postgresql-server-dev-$v" "${BUILD_PACKAGES[@]}"
	fi
	find_server
}

# The major version, if PG_CONFIG names a package's.
debian_server() {
	[[ $PG_CONFIG =~ ^/usr/lib/postgresql/([0-9]+)/bin/pg_config$ ]] && echo "${BASH_REMATCH[1]}"
}

find_server() {
	[ -x "$PG_CONFIG" ] || die "no pg_config at $PG_CONFIG (set PG_CONFIG, or run scripts/quickstart to install PostgreSQL $DEBIAN_SERVER)"
	BIN=$("$PG_CONFIG" --bindir)
	PGXS_TEST=$(dirname "$("$PG_CONFIG" --pgxs)")/../test
	SERVER=$("$PG_CONFIG" --version | sed -E 's/PostgreSQL ([0-9]+).*/\1/')
	[[ " $SERVERS " == *" $SERVER "* ]] || die "$PG_CONFIG is $("$PG_CONFIG" --version): PostgreSQL ${SERVERS// /, } are known"
}

# PostgreSQL refuses to run as root: servers and tests then run as user postgres.
as_server() {
	if am_root; then
		(cd / && runuser -u postgres -- "$@")
	else
		"$@"
	fi
}

# A new directory that the server's user owns.
server_dir() {
	local d
	d=$(mktemp -d "$WORK_PARENT/$1.XXXXXX")
	chmod 755 "$d"
	give_to_server "$d"
	echo "$d"
}

give_to_server() {
	if am_root; then chown -R postgres: "$1"; fi
}

run_make() {
	make -C "$1" -j"$(nproc)" -s PG_CONFIG="$PG_CONFIG" with_llvm=no "${@:2}"
}

install_extension() {
	as_root make -C "$1" -s install PG_CONFIG="$PG_CONFIG" with_llvm=no "${@:2}" >/dev/null
}

# new_cluster DIR [setting...]: a cluster in DIR that listens on a socket in DIR only.  Superuser postgres.  With checksums,
# unless INITDB_CHECKSUMS says something else to initdb.  SETTINGS has further lines, which come last.
new_cluster() {
	local dir=$1 s
	shift
	# shellcheck disable=SC2086
	as_server "$BIN/initdb" -D "$dir/data" ${INITDB_CHECKSUMS--k} -A trust -U postgres --no-sync --locale=C.UTF-8 >"$dir/initdb.log" 2>&1 ||
		{ cat "$dir/initdb.log" >&2; die "initdb failed"; }
	{
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$dir'"
		echo "shared_preload_libraries = 'pagestore'"
		for s in "$@"; do echo "$s"; done
		echo "${SETTINGS:-}"
	} >>"$dir/data/postgresql.conf"
}

start_cluster() {
	if ! as_server "$BIN/pg_ctl" -D "$1/data" -l "$1/log" -w -s start >/dev/null; then
		tail -n 20 "$1/log" >&2
		die "the server did not start (log: $1/log)"
	fi
}

stop_cluster() {
	if [ -f "$1/data/postmaster.pid" ]; then
		as_server "$BIN/pg_ctl" -D "$1/data" -m fast -w -s stop
	fi
}

# sql DIR [psql options]: psql on the cluster in DIR
sql() {
	local dir=$1
	shift
	as_server "$BIN/psql" -X -q -v ON_ERROR_STOP=1 -h "$dir" -U postgres "$@"
}

# kill_cluster DIR: SIGKILL to the postmaster and all that it started, and wait until they are gone.  It stands still
# while they are counted, so that none is started that would live on.
kill_cluster() {
	local pm all p
	pm=$(head -n 1 "$1/data/postmaster.pid")
	kill -STOP "$pm" 2>/dev/null || true
	while [[ $(ps -o stat= -p "$pm") == [^TZ]* ]]; do sleep 0.02; done
	all="$pm $(ps -o pid= --ppid "$pm" | tr '\n' ' ')"
	# shellcheck disable=SC2086
	kill -KILL $all 2>/dev/null || true
	for p in $all; do
		while [ "$(ps -o stat= -p "$p" | cut -c1)" ] && [ "$(ps -o stat= -p "$p" | cut -c1)" != Z ]; do sleep 0.02; done
	done
	rm -f "$1/data/postmaster.pid" "$1"/.s.PGSQL.*	# whoever reaps them may be slow: their ids may still be taken
}

# results FILE: of what pg_regress and the isolation runner said, a line for each test, "ok NAME" or "failed NAME".
# Since 16 they speak TAP.  False if they did not come to their end.
results() {
	sed -nE 's/^(test )? *([^ ]+) +\.\.\. ok.*/ok \2/p; s/^(test )? *([^ ]+) +\.\.\. FAILED.*/failed \2/p
		s/^ok [0-9]+ +[-+] ([^ ]+) .*/ok \1/p; s/^not ok [0-9]+ +[-+] ([^ ]+) .*/failed \1/p' "$1"
	grep -qE '(All [0-9]+ tests|[0-9]+ of [0-9]+ tests )' "$1"
}

# tap_script SCRIPT OUT DIR [PERL'S SWITCH...]: a TAP script, as the server's user, in DIR; what it prints is in OUT/output,
# what its servers log below OUT/tmp_check.  Sets tap_ok and tap_bad to how many of its tests passed and failed,
# and tap_skipped to its reason if it ran none; one that ends early has failed.
tap_script() {
	local script=$1 out=$2 where=$3 rc=0
	shift 3
	mkdir -p "$out"
	give_to_server "$(dirname "$out")"
	as_server env -C "$where" PATH="$BIN:$PATH" PG_REGRESS="$PGXS_TEST/regress/pg_regress" TESTDIR="$out" \
		TESTDATADIR="$out/tmp_check" TESTLOGDIR="$out/tmp_check/log" ${KEEP:+PG_TEST_NOCLEAN=1} top_builddir="$(dirname "$out")" \
		perl -I "$PGXS_TEST/perl" "$@" "$script" >"$out/output" 2>&1 </dev/null || rc=$?
	tap_ok=$(grep -cE '^ok ' "$out/output" || true)
	tap_bad=$(grep -cE '^not ok ' "$out/output" || true)
	tap_skipped=$(grep -E '^1\.\.0 # SKIP' "$out/output" || true)
	if [ -z "$tap_skipped" ] && [ $rc != 0 ] && [ "$tap_bad" = 0 ]; then
		tap_bad=1
		tail -n 20 "$out/output" "$out/tmp_check/log/regress_log_$(basename "$script" .pl)" || true
	fi
}

# ---- PostgreSQL's source ----

SOURCE_VERSION=15.18-0+deb12u1	# where the installed one is not served
SOURCE_PACKAGES=(dpkg-dev bison flex perl patch bzip2 xz-utils zlib1g-dev)

# private_apt CACHE COMMAND...: apt with lists of its own, so that the machine's own source lines and lists stay as they are.
# A mirror of sid that stands still is good enough: it is no less signed.
private_apt() {
	local a=$1/apt
	shift
	mkdir -p "$a/lists/partial" "$a/archives/partial"
	cat >"$a/sources.list" <<-L
		deb-src http://deb.debian.org/debian bookworm main
		deb-src http://deb.debian.org/debian bookworm-updates main
		deb-src http://deb.debian.org/debian-security bookworm-security main
		deb-src http://deb.debian.org/debian trixie main
		deb-src http://deb.debian.org/debian trixie-updates main
		deb-src http://deb.debian.org/debian-security trixie-security main
		deb-src [check-valid-until=no] http://deb.debian.org/debian sid main
	L
	"$@" -o Dir::Etc::sourcelist="$a/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$a/lists" \
		-o Dir::Cache::archives="$a/archives" -o Dir::Cache::pkgcache="" -o Dir::Cache::srcpkgcache="" -o APT::Sandbox::User=root
}

# older_source CACHE PACKAGE: into CACHE/download the newest older minor release that the mirror still has, where it lacks
# what its lists name.  The lists vouch for it no more: the maintainer's signature does.
older_source() {
	local cache=$1 newest minor v file
	[[ $(private_apt "$cache" apt-get source --print-uris "$2" 2>/dev/null) =~ \'([^\']*_[0-9]+\.)([0-9]+)(-[^\']*\.dsc)\' ]] || return 1
	newest=("${BASH_REMATCH[@]:1}")
	for ((minor = newest[1] - 1; minor >= 0; minor--)); do
		v=${newest[0]}$minor${newest[2]}
		(
			rm -rf "$cache/download" &&
			mkdir "$cache/download" &&
			cd "$cache/download" &&
			/usr/lib/apt/apt-helper download-file "$v" "$(basename "${v//%2b/+}")" &&
			for file in $(sed -n '/^Files:/,/^[^ ]/s/^ [0-9a-f]* [0-9]* \([^/ ]*\)$/\1/p' ./*.dsc); do
				/usr/lib/apt/apt-helper download-file "$(dirname "$v")/$file" "$file" || exit 1
			done
		) </dev/null && return 0
	done
	return 1
}

# get_source CACHE VERSION: the source of PostgreSQL in CACHE/source, unless it is there; a copy of SOURCE_DIR, if that is set
get_source() {
	local cache=$1 package=postgresql-$2 log=$1/build.log server want
	[ ! -f "$cache/source/configure" ] || return 0
	rm -rf "$cache/source" "$cache/download"
	if [ -n "${SOURCE_DIR:-}" ]; then
		say "copying $SOURCE_DIR"
		cp -a "$SOURCE_DIR" "$cache/source" # with its times: else make believes that generated files are old
		return
	fi
	mkdir "$cache/download"
	private_apt "$cache" apt-get update -q </dev/null >"$log" 2>&1 || { tail "$log" >&2; die "apt-get update for source packages failed"; }
	server=$(dpkg-query -W -f '${Version}' "$package" 2>/dev/null || true)
	# The tests of the server's own version where they are served, else the last known ones, else any.
	for want in "=$server" "=$SOURCE_VERSION" ""; do
		[[ $want != "=" && ($want != "=$SOURCE_VERSION" || $2 = 15) ]] || continue
		say "downloading the source of $package ${want#=}"
		if (cd "$cache/download" && private_apt "$cache" apt-get source --download-only "$package$want") </dev/null >>"$log" 2>&1; then
			(cd "$cache/download" && dpkg-source --no-check -x ./*.dsc "$cache/source") >>"$log" 2>&1 || { tail "$log" >&2; die "could not unpack the source"; }
			rm -rf "$cache/download"
			return
		fi
	done
	say "the mirror lacks the source of $package that its lists name: looking for an older minor release"
	if older_source "$cache" "$package" >>"$log" 2>&1; then
		say "taking that of $(basename "$cache"/download/*.dsc .dsc)"
		need_packages debian-keyring
		(cd "$cache/download" && dpkg-source --require-valid-signature -x ./*.dsc "$cache/source") >>"$log" 2>&1 ||
			{ tail "$log" >&2; die "could not unpack the source, or its signature is not good"; }
		rm -rf "$cache/download"
		return
	fi
	tail "$log" >&2
	die "no source package of $package to be had (log: $log); SOURCE_DIR=DIR names an unpacked tree to take"
}

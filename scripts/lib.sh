# What the scripts share: messages, packages, the PostgreSQL to use, clusters of our own.
# Sourced by bash with `set -euo pipefail` in force.

PATH=$PATH:/usr/sbin:/sbin	# su without "-" leaves them out
ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PG_CONFIG=${PG_CONFIG:-/usr/lib/postgresql/15/bin/pg_config}
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
	if [[ " ${missing[*]} " == *" postgresql-15 "* ]]; then
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

SERVER_PACKAGES=(postgresql-15 postgresql-client-15 postgresql-server-dev-15 gcc make libc6-dev liburing-dev)

# Default PG_CONFIG only: a server named by the caller is the caller's to provide.
need_server() {
	if [ "$PG_CONFIG" = /usr/lib/postgresql/15/bin/pg_config ]; then
		need_packages "${SERVER_PACKAGES[@]}"
	fi
	find_server
}

find_server() {
	[ -x "$PG_CONFIG" ] || die "no pg_config at $PG_CONFIG (set PG_CONFIG, or run scripts/quickstart to install PostgreSQL 15)"
	BIN=$("$PG_CONFIG" --bindir)
	PGXS_TEST=$(dirname "$("$PG_CONFIG" --pgxs)")/../test
	case $("$PG_CONFIG" --version) in
	"PostgreSQL 15."*) ;;
	*) die "$PG_CONFIG is $("$PG_CONFIG" --version): PostgreSQL 15 is needed" ;;
	esac
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

# new_cluster DIR [setting...]: a cluster in DIR that listens on a socket in DIR only.  Superuser postgres.
new_cluster() {
	local dir=$1 s
	shift
	as_server "$BIN/initdb" -D "$dir/data" -k -A trust -U postgres --no-sync --locale=C.UTF-8 >"$dir/initdb.log" 2>&1 ||
		{ cat "$dir/initdb.log" >&2; die "initdb failed"; }
	{
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$dir'"
		echo "shared_preload_libraries = 'pagestore'"
		for s in "$@"; do echo "$s"; done
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

# kill_cluster DIR: SIGKILL to the postmaster and all that it started, and wait until they are gone
kill_cluster() {
	local pm all p
	pm=$(head -n 1 "$1/data/postmaster.pid")
	all="$pm $(ps -o pid= --ppid "$pm" | tr '\n' ' ')"
	# shellcheck disable=SC2086
	kill -KILL $all 2>/dev/null || true
	for p in $all; do
		while [ "$(ps -o stat= -p "$p" | cut -c1)" ] && [ "$(ps -o stat= -p "$p" | cut -c1)" != Z ]; do sleep 0.02; done
	done
	rm -f "$1/data/postmaster.pid" "$1"/.s.PGSQL.*	# whoever reaps them may be slow: their ids may still be taken
}

# ---- PostgreSQL's source ----

SOURCE_VERSION=15.18-0+deb12u1
SOURCE_PACKAGES=(dpkg-dev bison flex perl patch bzip2 xz-utils zlib1g-dev)

# private_apt CACHE COMMAND...: apt with lists of its own, so that the machine's own source lines and lists stay as they are
private_apt() {
	local a=$1/apt
	shift
	mkdir -p "$a/lists/partial" "$a/archives/partial"
	if [ ! -f "$a/sources.list" ]; then
		cat >"$a/sources.list" <<-L
			deb-src http://deb.debian.org/debian bookworm main
			deb-src http://deb.debian.org/debian bookworm-updates main
			deb-src http://deb.debian.org/debian-security bookworm-security main
		L
	fi
	"$@" -o Dir::Etc::sourcelist="$a/sources.list" -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists="$a/lists" \
		-o Dir::Cache::archives="$a/archives" -o Dir::Cache::pkgcache="" -o Dir::Cache::srcpkgcache="" -o APT::Sandbox::User=root
}

# get_source CACHE: the source of postgresql-15 in CACHE/source, unless it is there; a copy of SOURCE_DIR, if that is set
get_source() {
	local cache=$1 log=$1/build.log server want
	[ ! -f "$cache/source/configure" ] || return 0
	rm -rf "$cache/source" "$cache/download"
	if [ -n "${SOURCE_DIR:-}" ]; then
		say "copying $SOURCE_DIR"
		cp -a "$SOURCE_DIR" "$cache/source" # with its times: else make believes that generated files are old
		return
	fi
	mkdir "$cache/download"
	private_apt "$cache" apt-get update -q </dev/null >"$log" 2>&1 || { tail "$log" >&2; die "apt-get update for source packages failed"; }
	server=$(dpkg-query -W -f '${Version}' postgresql-15 2>/dev/null || true)
	# The tests of the server's own version where they are served, else the last known ones, else any.
	for want in "=$server" "=$SOURCE_VERSION" ""; do
		[ "$want" != "=" ] || continue
		say "downloading the source of postgresql-15 ${want#=}"
		if (cd "$cache/download" && private_apt "$cache" apt-get source --download-only "postgresql-15$want") </dev/null >>"$log" 2>&1; then
			(cd "$cache/download" && dpkg-source --no-check -x ./*.dsc "$cache/source") >>"$log" 2>&1 || { tail "$log" >&2; die "could not unpack the source"; }
			rm -rf "$cache/download"
			return
		fi
	done
	tail "$log" >&2
	die "no source package of postgresql-15 to be had (log: $log)"
}

#!/usr/bin/env bash
set -euo pipefail

usage() {
    cat <<'TEXT'
Usage: tests/acceptance/bare_debian.sh [--keep DIR] [--repo DIR] [COMMAND]

Does a stranger's first minutes: makes a bare Debian 12 (debootstrap's smallest), clones this
repository into it, runs COMMAND in the clone, and says how long that took. COMMAND is for
bash; without one it is ./scripts/demo. Exits as COMMAND does.

  --keep DIR   the Debian is made in DIR and left there, and used again the next time;
               the clone in it is always made anew
  --repo DIR   clones that repository instead of this one

  tests/acceptance/bare_debian.sh "./scripts/demo && time ./scripts/demo"

Needs root, debootstrap and git, and a host that is Debian 12 itself: its package sources are
used. Only what is committed is cloned. Nothing is left behind: what is mounted and started
lives in namespaces of its own, which end with this script.
TEXT
}

say() { printf 'bare_debian: %s\n' "$*" >&2; }
fail() {
    say "$*"
    exit 1
}

readonly release=bookworm
keep=
repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
while (($#)); do
    case $1 in
        --keep | --repo)
            [[ -n ${2-} ]] || { usage >&2; exit 2; }
            if [[ $1 == --keep ]]; then keep=$2; else repo=$2; fi
            shift 2
            ;;
        -h | --help) usage; exit 0 ;;
        -*) usage >&2; exit 2 ;;
        *) break ;;
    esac
done
command=${*:-./scripts/demo}

((EUID == 0)) || fail "needs root, to make a file system and mount in it"
for program in debootstrap git unshare chroot; do
    command -v "$program" >/dev/null || fail "$program is not installed"
done

if [[ -n $keep ]]; then
    mkdir -p "$keep"
    root=$(realpath "$keep")
else
    root=$(mktemp -d "${TMPDIR:-/tmp}/bare-debian.XXXXXX")
    chmod 755 "$root"  # It becomes a "/", which every user has to be let into.
fi

# unshare itself shrugs off all but SIGKILL while it waits for what it started, and the end of
# it is the end of that.
command_pid=
# shellcheck disable=SC2317  # Called by the trap.
tidy() {
    if [[ -n $command_pid ]]; then
        kill -KILL "$command_pid" 2>/dev/null || true
        wait "$command_pid" 2>/dev/null || true
    fi
    [[ -n $keep ]] || rm -rf --one-file-system "$root"
}
trap tidy EXIT
trap 'exit 130' INT TERM HUP

# --- A Debian with the host's way to packages ----------------------------------------------

# One "URI release component" a line, whichever of its two formats the host's sources are in.
# shellcheck disable=SC2016  # The variables are apt's.
sources=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
    grep -E " $release(-updates|-security)? " | sort -u || true)
mirror=$(awk -v release="$release" '$2 == release { print $1; exit }' <<<"$sources")

make_debian() {
    local proxy=
    [[ -n $mirror ]] || fail "this host's apt has no source for Debian $release (or wants apt-get update)"
    # debootstrap does not read apt's configuration.
    eval "$(apt-config shell proxy Acquire::http::Proxy)"
    [[ -z $proxy ]] || export http_proxy=$proxy
    debootstrap --variant=minbase "$release" "$root" "$mirror" >"$root/debootstrap.log" 2>&1 || {
        tail -n 20 "$root/debootstrap.log" >&2
        fail "debootstrap failed; the end of its log is above"
    }
    rm "$root/debootstrap.log"
}

copy_package_access() {
    local file
    awk '{ print "deb", $0 }' <<<"$sources" >"$root/etc/apt/sources.list"
    # Proxies, credentials, and how strictly dates are taken; not what the host does after an
    # installation, which calls programs that are not there.
    while IFS= read -r file; do
        cp "$file" "$root/etc/apt/apt.conf.d/"
    done < <(grep -lisE '^[[:space:]]*Acquire::(https?::|Retries|Check-|Force)' /etc/apt/apt.conf /etc/apt/apt.conf.d/*)
    for file in /etc/apt/{auth.conf.d,keyrings,trusted.gpg.d}; do
        [[ ! -d $file ]] || cp -r "$file" "$root/etc/apt/"
    done
    cp -L /etc/resolv.conf "$root/etc/resolv.conf"
    if grep -q '^https:' <<<"$sources"; then
        mkdir -p "$root/etc/ssl/certs" "$root/usr/local/share"
        cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
        cp -r /usr/local/share/ca-certificates "$root/usr/local/share/" 2>/dev/null || true
    fi
}

started=$SECONDS
readonly whole=$root/.bare_debian  # Says that the Debian was finished, and by this script.
if [[ -e $whole ]]; then
    say "using the Debian in $root"
else
    [[ -z $(ls -A "$root") ]] || fail "$root is not empty, and holds no Debian that this script finished"
    say "making a Debian in $root"
    make_debian
    copy_package_access
    : >"$whole"
    say "made in $((SECONDS - started)) s"
fi

readonly clone=/root/prewarm
rm -rf "${root:?}$clone"
git clone --quiet --no-hardlinks "$repo" "$root$clone"
[[ -z $(git -C "$repo" status --porcelain) ]] || say "what is not committed in $repo is not in the clone"

# --- The command ---------------------------------------------------------------------------

# Runs as process 1 of its own namespaces: when it ends, the kernel ends whatever the command
# left running and undoes these mounts, however this script itself came to its end.
# shellcheck disable=SC2016  # Expanded in there.
readonly inside='
    set -euo pipefail
    root=$1 clone=$2 command=$3
    # A name that nothing resolves, as on many a fresh machine.
    echo bare-debian >/proc/sys/kernel/hostname
    mount -t proc proc "$root/proc"
    mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
    mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
    status=0
    chroot "$root" /usr/bin/env -i HOME=/root PATH="$PATH" ${TERM:+TERM="$TERM"} \
        bash -c "cd $clone && $command" || status=$?

    leftovers() {
        local process line
        for process in "$root"/proc/[0-9]*; do
            # Empty for what has ended; process 1 and its children are this script.
            line=$( (tr "\0" " " <"$process/cmdline") 2>/dev/null) || continue
            [[ -z $line || $(readlink "$process/root") == / ]] ||
                printf "    process %s: %.100s\n" "${process##*/}" "$line"
        done
        find "$root/tmp" -mindepth 1 -maxdepth 1 -printf "    file /tmp/%f\n"
    }
    left=$(leftovers)
    [[ -z $left ]] || printf "bare_debian: the command left behind:\n%s\n" "$left" >&2
    exit "$status"
'

say "running: $command"
started=$SECONDS
status=0
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    unshare --mount --pid --fork --kill-child --uts --ipc \
    bash -c "$inside" bare_debian "$root" "$clone" "$command" <&0 &
command_pid=$!  # In the background, because bash acts on a signal only between commands.
wait "$command_pid" || status=$?
command_pid=
say "exit $status after $((SECONDS - started)) s: $command"
exit "$status"

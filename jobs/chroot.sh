# For jobs that try Tenzo in a clean Debian 12, of this processor or another: source it, as root. What is mounted there, the one command alone sees.
set -eu
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export DEBIAN_FRONTEND=noninteractive OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
[ "$(id -u)" = 0 ] || { echo "$0: must be root, to change its root" >&2; exit 1; }

debian() { # debian FOLDER ARCHITECTURE : its smallest system in FOLDER, where it is not yet
  [ ! -e "$1/etc/apt/sources.list" ] || return 0
  mkdir -p "$1/etc/dpkg/dpkg.cfg.d"
  echo force-unsafe-io >"$1/etc/dpkg/dpkg.cfg.d/unsafe-io" # quick: no file is forced to disk
  unshare --mount debootstrap --variant=minbase --arch="$2" bookworm "$1" "${MIRROR:-http://deb.debian.org/debian}"
}

inside() { # inside FOLDER COMMAND... : with this source tree and the folder itself under the names that they have here
  unshare --mount bash -c 'set -e
    mount -t proc proc "$1/proc"; mount --rbind /dev "$1/dev"; mount --rbind /sys "$1/sys"
    for f in "$0" "$1"; do mkdir -p "$1$f"; mount --bind "$f" "$1$f"; done
    root=$1; shift; exec chroot "$root" env -C "$0" "$@"' "$PWD" "$(realpath "$1")" "${@:2}"
}

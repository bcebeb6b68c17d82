#!/usr/bin/env bash
# Runs a provisioned Blender on this clone: `blender-in-chroot.sh [--window] trixie|sid ARGUMENTS…`, as root.
# The clone is at the same path inside, and network and environment are this machine's; it runs where the
# caller is, if that is in the clone. HOME is
# build/home-NAME in the clone, or $BLENDER_CI_HOME-NAME, so that one call finds what another installed;
# --window opens Blender's window on a virtual screen of 1600 x 900; $BLENDER_CI_PROGRAM is run in its place.
set -euo pipefail

repo=$(cd "$(dirname "$0")/.." && pwd)
case $PWD/ in "$repo"/*) folder=$PWD ;; *) folder=$repo ;; esac
command=("${BLENDER_CI_PROGRAM:-blender}")
if [ "${1:-}" = --window ]; then
    shift
    command=(xvfb-run -a -s "-screen 0 1600x900x24" "${command[@]}")
    [ "${command[-1]}" = blender ] && command+=(--window-geometry 0 0 1600 900)
fi
name=${1:?usage: blender-in-chroot.sh [--window] trixie|sid ARGUMENTS…}
shift
root=$("$repo/.ci/chroot.sh" "$name")
export HOME=${BLENDER_CI_HOME:-$repo/build/home}-$name
mkdir -p "$HOME"
unset PYTHONPATH PYTHONHOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_CACHE_HOME XDG_RUNTIME_DIR DISPLAY XAUTHORITY

# Namespaces of its own: mounts and stray processes go away with it, however it ends.
exec unshare --mount --pid --fork --kill-child bash -euo pipefail -c '
    root=$1 repo=$2 folder=$3
    mount --rbind /dev "$root/dev"
    mount -t proc proc "$root/proc"
    mount -t tmpfs tmpfs "$root/tmp"
    mkdir -p "$root$repo"
    mount --bind "$repo" "$root$repo"
    # Not exec: the X server would not report that it is ready to a parent whose process id is 1.
    chroot "$root" /usr/bin/env -C "$folder" PATH=/usr/bin:/bin:/usr/games LANG=C.UTF-8 "${@:4}" || exit
' blender "$root" "$repo" "$folder" "${command[@]}" "$@"

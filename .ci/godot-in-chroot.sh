#!/usr/bin/env bash
# Runs Godot on this clone, in the chroot of sid, as root: `godot-in-chroot.sh [--window] ARGUMENTS…`, see
# blender-in-chroot.sh. It is installed there where it is missing.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$("$here/chroot.sh" sid)
window=()
if [ "${1:-}" = --window ]; then
    shift
    window=(--window)
fi

exec 9>"$root.godot.lock"
flock 9
if [ ! -x "$root/usr/bin/godot" ]; then
    unshare --mount bash -euo pipefail -c '
        mount --rbind /dev "$1/dev"
        mount -t proc proc "$1/proc"
        export DEBIAN_FRONTEND=noninteractive
        chroot "$1" apt-get update -q
        chroot "$1" apt-get install -y -q --no-install-recommends godot
        chroot "$1" apt-get clean
    ' godot "$root" 9>&- </dev/null >&2
fi
exec 9>&-

BLENDER_CI_PROGRAM=godot exec "$here/blender-in-chroot.sh" "${window[@]}" sid "$@"

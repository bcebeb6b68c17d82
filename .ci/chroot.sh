#!/usr/bin/env bash
# Provisions a Debian with a full Blender in it: `chroot.sh trixie|sid`, as root. Prints the directory.
#   trixie: Blender 4.3, Python 3.13      sid: Blender 5.2, Python 3.14 (a moving target, by nature)
# Quick when it is there already; cached in $GPT_IMAGE_CI_CACHE, outside the clone.
set -euo pipefail

suite=${1:?usage: chroot.sh trixie|sid}
cache=${GPT_IMAGE_CI_CACHE:-/var/cache/gpt-image-ci}
root=$cache/$suite
# The last three are bundled with official Blenders; Debian's starts without them.
packages=(
    blender xvfb xauth xdotool imagemagick libgl1-mesa-dri libegl1 procps
    python3-requests python3-numpy python3-cattr
)
recipe=$(printf '%s\n' 1 "${packages[@]}" | sha256sum | cut -c1-16)

host_mirror() { # the Debian mirror that this machine's apt uses; nothing where it is not known yet
    apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 2>/dev/null |
        grep -v security | head -n 1 || true
}

provision() {
    local part=$root.part
    command -v debootstrap >/dev/null || { apt-get update -q && apt-get install -y -q debootstrap; }
    rm -rf "$part"
    debootstrap --variant=minbase --include=ca-certificates "$suite" "$part" $(host_mirror)
    # Proxies and clock tolerance are the machine's business: whatever its apt needs, this one needs.
    apt-config dump | grep -E '^Acquire::(https?::|Check-)' >"$part/etc/apt/apt.conf.d/99host" || true
    ln -sf ../proc/self/mounts "$part/etc/mtab" # Blender lists its drives from it
    # A mount namespace of its own: the mounts go away with it, however it ends.
    unshare --mount bash -euo pipefail -c '
        mount --rbind /dev "$1/dev"
        mount -t proc proc "$1/proc"
        export DEBIAN_FRONTEND=noninteractive
        chroot "$1" apt-get update -q
        chroot "$1" apt-get install -y -q --no-install-recommends "${@:2}"
        chroot "$1" apt-get clean
    ' provision "$part" "${packages[@]}"
    echo "$recipe" >"$part/.recipe"
    rm -rf "$root"
    mv "$part" "$root"
}

[ "$(id -u)" = 0 ] || { echo "chroot.sh needs root, for debootstrap and chroot." >&2; exit 1; }
mkdir -p "$cache"
exec 9>"$root.lock"
flock 9
if [ "$(cat "$root/.recipe" 2>/dev/null)" != "$recipe" ]; then
    provision 9>&- </dev/null >&2
fi
echo "$root"

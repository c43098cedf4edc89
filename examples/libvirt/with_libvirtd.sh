#!/bin/sh
# Start libvirtd on a simulated host, then run COMMAND:
#   simkernel run --via fuse SCENARIO -- ./with_libvirtd.sh COMMAND...
# Needs root, and the Debian packages libvirt-daemon, libvirt-daemon-driver-qemu and
# libvirt-clients.
set -eu

# libvirtd keeps its state in /var. That is the machine's, so cover it with memory.
for folder in lib log cache; do
    mount -t tmpfs libvirt "/var/$folder"
done
mkdir -p /var/log/libvirt

# The user for guests. The package libvirt-daemon-system would create it.
id -u libvirt-qemu >/dev/null 2>&1 ||
    echo 'libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin' >>/etc/passwd
grep -q '^libvirt-qemu:' /etc/group || echo 'libvirt-qemu:x:64055:' >>/etc/group

# libvirtd opens /dev/vfio/vfio. On a real host, systemd creates that node at boot, even
# if the module is not loaded (kmod-static-nodes.service).
modprobe vfio

libvirtd --daemon
export LIBVIRT_DEFAULT_URI=qemu:///system
exec "$@"

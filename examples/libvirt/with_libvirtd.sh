#!/bin/sh
# Runs a command on a simulated host on which libvirtd runs, as virsh needs it:
#   simkernel run --via fuse SCENARIO -- ./with_libvirtd.sh COMMAND...
# It takes root, and the packages libvirt-daemon, libvirt-daemon-driver-qemu and
# libvirt-clients (Debian).
set -eu

# libvirtd keeps its state in /var, which is the machine's: here it is in memory.
for folder in lib log cache; do
    mount -t tmpfs libvirt "/var/$folder"
done
mkdir -p /var/log/libvirt

# Whom it runs guests as; otherwise made by the package libvirt-daemon-system.
id -u libvirt-qemu >/dev/null 2>&1 ||
    echo 'libvirt-qemu:x:64055:64055::/var/lib/libvirt:/usr/sbin/nologin' >>/etc/passwd
grep -q '^libvirt-qemu:' /etc/group || echo 'libvirt-qemu:x:64055:' >>/etc/group

# It asks for /dev/vfio/vfio. systemd has that node made at each boot, module or not
# (kmod-static-nodes.service).
modprobe vfio

libvirtd --daemon
export LIBVIRT_DEFAULT_URI=qemu:///system
exec "$@"

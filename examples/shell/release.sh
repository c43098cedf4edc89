#!/bin/sh
# Unbind a PCI function from its driver. Stands for the script that you test.
set -eu

if [ $# -ne 1 ]; then
    echo "usage: release.sh ADDRESS" >&2
    exit 2
fi
device=/sys/bus/pci/devices/$1
if [ ! -e "$device" ]; then
    echo "release.sh: $1: no such device" >&2
    exit 4
fi
if [ ! -e "$device/driver" ]; then
    echo "$1 has no driver"
    exit 0
fi
driver=$(basename "$(readlink "$device/driver")")
echo "$1" >"$device/driver/unbind"
echo "$1 was with $driver"

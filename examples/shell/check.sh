#!/bin/sh
# Run release.sh on simulated hosts and compare its output.
set -u
cd "$(dirname "$0")" || exit 1

failed=0

# check WHAT EXPECTED-CODE EXPECTED-OUTPUT SCENARIO COMMAND...
check() {
    what=$1 code=$2 expected=$3 scenario=$4
    shift 4
    output=$(simkernel run --via fuse "$scenario" -- "$@" 2>&1)
    status=$?
    if [ "$status $output" = "$code $expected" ]; then
        echo "ok: $what"
    else
        echo "FAILED: $what: expected $code '$expected', got $status '$output'"
        failed=1
    fi
}

check "a function is released" 0 "0000:3b:00.2 was with mlx5_core" \
    mlx5_vfio_pci ./release.sh 0000:3b:00.2
check "a second release succeeds" 0 "0000:3b:00.2 was with mlx5_core
0000:3b:00.2 has no driver" \
    mlx5_vfio_pci sh -c './release.sh 0000:3b:00.2; ./release.sh 0000:3b:00.2'
check "an unknown function is an error" 4 "release.sh: 0000:99:00.0: no such device" \
    mlx5_vfio_pci ./release.sh 0000:99:00.0
check "a VFIO driver releases its function" 0 "0000:3b:00.2 was with mlx5_vfio_pci" \
    already_bound ./release.sh 0000:3b:00.2
exit "$failed"

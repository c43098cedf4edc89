"""The virtual machine: QEMU, its hardware, the guest and its kernel."""

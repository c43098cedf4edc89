"""The vm front: a real kernel in QEMU with synthetic PCI functions.

``machine`` starts QEMU and boots the guest, ``inside`` runs in the guest,
``modules`` builds ``/lib/modules``, ``scenario`` sets a scenario up in the guest. On
top, ``run`` runs a program, ``guest_executor`` runs operations, and ``verify``
compares the guest with the simulated kernel.
"""

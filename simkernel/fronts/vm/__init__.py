"""The real kernel, in QEMU: a scenario's functions are synthetic, its modules real.

``topology.py`` says what hardware QEMU needs for a scenario, ``support.py`` what a real
kernel cannot have of it; ``guest.py`` boots and talks to ``inside/``, which runs in the
guest; ``setup.py`` puts a scenario there and takes it out; ``run.py`` runs a program.
"""

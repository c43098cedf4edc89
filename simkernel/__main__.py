"""``python -m simkernel``."""

from simkernel.cli import main

main()

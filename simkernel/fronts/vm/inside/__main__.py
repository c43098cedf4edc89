"""Entry point: the guest's kernel starts ``python3 -I -S FOLDER``."""

import os
import sys

_PACKAGE_PARENT = os.path.abspath(f"{os.path.dirname(__file__)}/../../../..")
sys.path.insert(0, _PACKAGE_PARENT)

from simkernel.fronts.vm.inside.init import main  # noqa: E402  # found by the path above

main()

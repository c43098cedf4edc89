"""``simkernel try``: a VFIO driver's module on a host that is made for it.

``given`` and ``drivers`` read the module, ``alias`` and ``stock`` say which devices and
which other modules there must be, ``template`` writes the scenario, ``stages`` has
``resolver`` run on it, and ``result`` says what came of it.
"""

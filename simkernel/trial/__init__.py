"""``simkernel try``: test a VFIO driver module.

``driver_module`` reads the module (``decompress``, ``driver_names``). ``alias`` derives
device ids from its aliases, ``kernel_modules`` reads the aliases of the kernel's own
modules, ``host_modules`` adds host drivers and rivals, ``template`` writes the
scenario. ``hosts`` boots it, ``bind`` runs ``resolver`` and ``inside`` there,
``result`` prints what happened. ``run`` is the entry point.
"""

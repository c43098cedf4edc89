"""Random steps on modules: load, unload, set parameters."""

from __future__ import annotations

from hypothesis import strategies as st

from simkernel.conformance.operands import Operands
from simkernel.conformance.operations import Load, Unload
from simkernel.conformance.random.steps import Steps, one_kind_of, write
from simkernel.conformance.write_values import BOOLEANS, NUMBERS, UEVENTS
from simkernel.scenario.schema import ModuleEntry

__all__ = ["module_loads", "modules", "parameters"]


def module_loads(operands: Operands) -> Steps:
    """Load some modules and their dependencies, each once."""
    if not operands.modules:
        return st.just(())
    names = st.sampled_from([one.name for one in operands.modules])
    return st.lists(names, max_size=3).map(
        lambda some: tuple(
            dict.fromkeys(load for name in some for load in operands.load(name))
        )
    )


def modules(operands: Operands) -> Steps:
    """Load a module, with or without its dependencies, or unload one."""
    names = st.sampled_from([one.name for one in operands.modules])
    needed = names.flatmap(
        lambda name: _assignments(operands.module(name)).map(
            lambda text: operands.load(name, text)
        )
    )
    alone = st.builds(lambda name: (Load(name),), names)
    unloads = st.builds(lambda name: (Unload(name),), names)
    return one_kind_of([needed, needed, alone, unloads, unloads])


def _assignments(module: ModuleEntry) -> st.SearchStrategy[str]:
    """Parameters on a module's command line, mostly none."""
    names = [one.name for one in module.parameters] + ["unknown"]
    word = st.builds(
        lambda name, text: f"{name}={text}",
        st.sampled_from(names),
        st.sampled_from(("0", "1", "Y", "n", "-1", "-22", "x", "", "2147483648")),
    )
    alone = st.sampled_from(names)
    some = st.lists(st.one_of(word, word, alone), min_size=1, max_size=2)
    return st.one_of(st.just(""), st.just(""), some.map(" ".join))


def parameters(operands: Operands) -> Steps:
    """Write a parameter of a loaded module, or its ``uevent``."""
    files = [
        f"/sys/module/{module.name}/parameters/{one.name}"
        for module in operands.modules
        for one in module.parameters
        if int(one.mode, 8)
    ]
    uevents = [f"/sys/module/{module.name}/uevent" for module in operands.modules]
    texts = st.sampled_from((*NUMBERS, *BOOLEANS, b"-22", b"-1"))
    synthetic = write(st.sampled_from(uevents), st.sampled_from(UEVENTS))
    if not files:
        return synthetic
    return st.one_of(write(st.sampled_from(files), texts), synthetic)

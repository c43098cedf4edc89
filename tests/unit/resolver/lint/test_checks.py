"""What each check finds, where a built module cannot show it."""

from __future__ import annotations

import pytest

from resolver.errors import UsageError
from resolver.lint.checks import CHECKS, FAMILIES
from resolver.lint.judgement import judge, selected
from resolver.lint.module import Alias, Binary, Module, TableEntry, Unreadable
from tests.unit.resolver.lint.making import (
    NAMES,
    VF,
    ids,
    kernel,
    looked_at,
    module,
)

OTHER = "vfio_pci:v00008086d00001234sv*sd*bc*sc*i*"


def test_a_variant_as_it_should_be() -> None:
    """Nothing is found, whatever it is compared with."""
    assert ids(module()) == []
    assert ids(module(), against=kernel()) == []


def test_ids_are_unique_and_each_check_says_all() -> None:
    """No check hides another one, and all have a reason, a rule and a way out."""
    assert len(CHECKS) == sum(map(len, FAMILIES.values()))
    for check in CHECKS.values():
        assert all((check.reason, check.rule, check.source, check.remedy)), check.id
        assert check.reason.endswith("."), check.id
        assert "\n" not in check.reason, check.id


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("vfio-pci:v000015B3d0000101Esv*sd*bc*sc*i*", "alias-prefix"),
        ("vfiopci:v000015B3d0000101Esv*sd*bc*sc*i*", "alias-prefix"),
        ("vfio_pci:v000015B3d0001101Esv*sd*bc*sc*i*", "id-too-wide"),
        ("vfio_pci:v*d*sv*sd*bc03sc*i*", "alias-wide"),
    ],
)
def test_aliases_that_lead_nowhere_or_too_far(pattern: str, expected: str) -> None:
    """Each beside one that is right."""
    assert ids(module(VF, pattern)) == [expected]


def test_other_buses_have_ordinary_aliases_too() -> None:
    """What is announced for VFIO is not announced to udev as well, on any bus."""
    pattern = "cdx:v10EEd8084sv*sd*c*"

    assert ids(module(f"vfio_{pattern}", pattern)) == ["alias-in-both"]
    assert ids(module(f"vfio_{pattern}", "cdx:v10EEd8085sv*sd*c*")) == []


def test_file_has_the_name_of_the_module() -> None:
    """depmod sees the one, the kernel the other."""
    assert ids(module(path="/x/mlx5-vfio-pci.ko.xz")) == []
    assert ids(module(path="/x/mlx5-vfio-pci-new.ko")) == ["file-renamed"]


def test_module_that_the_kernel_does_not_have() -> None:
    """It is missed, unless it is looked at, too."""
    one = module(depends=("vfio_pci_core", "acme_core"))
    acme = module("x", name="acme_core", depends=(), binary=None)

    assert ids(one) == []
    assert ids(one, against=kernel()) == ["depends-missing"]
    assert ids(one, acme, against=kernel()) == []
    assert ids(one, against=kernel(builtin=b"kernel/acme-core.ko\n")) == []


def test_generic_drivers_may_claim_everything() -> None:
    """vfio_pci and its like are no variants."""
    assert ids(module("vfio_pci:v*d*sv*sd*bc*sc*i*", name="vfio_pci")) == []
    assert ids(module("vfio_cdx:v*d*sv*sd*c*", name="vfio_cdx")) == []


def test_drivers_of_the_host_are_left_alone() -> None:
    """What has nothing to do with VFIO is looked at for its aliases' form alone."""
    facts = {"depends": (), "binary": None, "license": "Proprietary"}
    plain = module("pci:v000015B3d0000101Esv*sd*bc*sc*i*", name="mlx5_core", **facts)
    odd = module("pci:v000015b3d0000101esv*sd*bc*sc*i*", name="mlx5_core", **facts)

    assert ids(plain, against=kernel()) == []
    assert ids(odd, against=kernel()) == ["alias-grammar"]


def test_pci_alias_of_another_device_is_no_contradiction() -> None:
    """A module may drive the physical function and be the variant for the virtual."""
    assert ids(module(VF, "pci:v000015B3d0000101Dsv*sd*bc*sc*i*")) == []


def test_tie_with_a_module_of_the_kernel() -> None:
    """The message says whose alias it is."""
    against = kernel(f"alias {VF} acme_vfio_pci\n")
    (found,) = looked_at(module(), against=against).findings

    assert found.check.id == "alias-tie"
    assert "acme_vfio_pci" in found.message


def test_module_is_not_compared_with_its_older_self() -> None:
    """One that is looked at stands for the kernel's own of that name."""
    assert ids(module(), against=kernel(f"alias {VF} mlx5_vfio_pci\n")) == []


def test_closer_alias_of_another_module() -> None:
    """Some of the devices go elsewhere; the closer one is told nothing."""
    closer = "vfio_pci:v000015B3d0000101Esv000015B3sd*bc*sc*i*"
    found = looked_at(module(), module(closer, name="acme_vfio_pci")).findings

    assert [(one.module, one.check.id) for one in found] == [
        ("mlx5_vfio_pci", "alias-shadowed")
    ]


@pytest.mark.parametrize(
    ("pattern", "host", "expected"),
    [
        (OTHER, "", ["id-unknown"]),
        (OTHER, "alias pci:v00008086d00001234sv*sd*bc*sc*i* e1000e\n", []),
        (OTHER, "alias pci:v00008086d00001230sv*sd*bc*sc*i* e1000e\n", []),
        (OTHER, "alias pci:v00008086d00001334sv*sd*bc*sc*i* e1000e\n", ["id-unknown"]),
        ("vfio_pci:v00008086d00004947sv*sd*bc*sc*i*", "", []),
    ],
)
def test_ids_that_nobody_knows(pattern: str, host: str, expected: list[str]) -> None:
    """Known is what the host has, or one like it, and what Linux has elsewhere."""
    assert ids(module(pattern), against=kernel(host)) == expected


def test_names_make_an_id_known() -> None:
    """pci.ids has devices that no driver has."""
    report = judge([module()], kernel(), NAMES, selected((), ()))
    assert report.findings == ()
    report = judge([module(OTHER)], kernel(), NAMES, selected((), ()))
    (found,) = report.findings
    assert found.device == "Intel, unlisted device"
    assert "pci.ids does not list it" in found.message


def test_table_and_aliases_disagree() -> None:
    """Both ways: an entry that is not announced, an alias that no entry has."""
    needs = frozenset({"vfio_pci_core_register_device"})
    entries = (TableEntry("15b3:101e", VF), TableEntry("15b3:1020 class ...", ""))
    binary = Binary(("mlx5_vfio_pci",), entries, needs)

    assert ids(module(VF, binary=binary)) == ["id-without-alias"]
    binary = Binary(("mlx5_vfio_pci",), entries[:1], needs)
    assert ids(module(VF, OTHER, binary=binary)) == ["alias-without-id"]


def test_several_drivers() -> None:
    """A note, and one more for each name that cannot be guessed."""
    needs = frozenset({"vfio_pci_core_register_device"})
    binary = Binary(("mlx5_vfio_pci", "mlx5_other"), (), needs)

    assert ids(module(binary=binary)) == [
        "driver-name-unrelated",
        "driver-name-without-vfio",
        "driver-several",
    ]


def test_guesses_are_told() -> None:
    """Who looks where, and what is there."""
    binary = Binary(("xe-vfio-pci",), (), frozenset({"vfio_pci_core_ioctl"}))
    (found,) = looked_at(module(name="xe_vfio_pci", binary=binary)).findings

    assert found.check.id == "driver-name-dash"
    assert "xe_vfio_pci (the module name) does not exist" in found.message
    assert "xe-vfio-pci (- for every _) exists" in found.message


@pytest.mark.parametrize(
    ("depends", "uses", "facts", "expected"),
    [
        (("vfio",), True, {}, ["core-not-in-depends"]),
        (("vfio",), False, {}, ["core-unused"]),
        ((), True, {"dep": b"", "builtin": b"kernel/vfio-pci-core.ko\n"}, []),
        (None, False, {}, []),
    ],
)
def test_core(
    depends: tuple[str, ...] | None,
    uses: bool,
    facts: dict[str, object],
    expected: list[str],
) -> None:
    """Used and listed, used and linked in, or not used at all."""
    needs = frozenset({"vfio_pci_core_enable"} if uses else ())
    binary = Binary(("mlx5_vfio_pci",), (), needs)
    one = module(depends=depends, binary=binary)

    assert ids(one, against=kernel(**facts)) == expected


def test_modinfo_does_not_show_symbols() -> None:
    """A core that is linked in is nowhere in it, and is not missed."""
    against = kernel(dep=b"", builtin=b"kernel/drivers/vfio/pci/vfio-pci-core.ko\n")
    told = module(depends=(), binary=None, form="modinfo")

    assert ids(told, against=against) == []
    assert ids(told, against=kernel()) == ["core-unused"]


def test_driver_without_the_core() -> None:
    """A driver may make its VFIO devices itself."""
    binary = Binary(("mlx5_vfio_pci",), (), frozenset({"vfio_register_group_dev"}))
    told = module(depends=("vfio",), binary=None, form="modinfo")

    assert ids(module(depends=("vfio",), binary=binary)) == []
    assert ids(told) == []


def test_module_with_far_too_many_aliases() -> None:
    """It is not compared with all the others, which would take for ever."""
    patterns = [f"vfio_pci:v00008086d{one:08X}sv*sd*bc*sc*i*" for one in range(2001)]

    assert ids(module(*patterns)) == ["unreadable"]
    assert ids(module(*patterns[:2000])) == []


@pytest.mark.parametrize("text", ["", "Proprietary", "BSD", "GPL v3"])
def test_licence(text: str) -> None:
    """All of vfio-pci-core is for the GPL alone."""
    assert ids(module(license=text)) == ["license"]


@pytest.mark.parametrize(
    ("vermagic", "expected"),
    [
        ("6.12.1 SMP preempt mod_unload modversions ", []),
        ("6.12.2 SMP preempt mod_unload modversions ", ["other-release"]),
        ("6.12.2 SMP preempt mod_unload ", ["vermagic"]),
        ("6.12.1 SMP preempt_rt mod_unload modversions ", ["vermagic"]),
    ],
)
def test_vermagic(vermagic: str, expected: list[str]) -> None:
    """The release counts only where no symbol has a sum."""
    assert ids(module(vermagic=vermagic), against=kernel()) == expected


def test_release_counts_without_sums() -> None:
    """Neither the kernel nor the module has modversions."""
    plain = "SMP preempt mod_unload "
    against = kernel(vermagic=f"6.12.1 {plain}")

    assert ids(module(vermagic=f"6.12.1 {plain}"), against=against) == []
    assert ids(module(vermagic=f"6.12.2 {plain}"), against=against) == ["vermagic"]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, ["unsigned"]),
        ({"is_signed": False}, []),
        ({"insists_on_signature": True}, ["unsigned-refused"]),
    ],
)
def test_signature(facts: dict[str, bool], expected: list[str]) -> None:
    """It is missed where the kernel's own modules have one, or it insists."""
    assert ids(module(is_signed=False), against=kernel(**facts)) == expected


def test_module_that_depmod_has_not_seen() -> None:
    """It lies in the kernel's directory, and modules.alias does not know it."""
    path = "/lib/modules/6.12.1/updates/mlx5-vfio-pci.ko"

    assert ids(module(path=path), against=kernel()) == ["not-indexed"]
    known = kernel(f"alias {VF} mlx5_vfio_pci\n")
    assert ids(module(path=path), against=known) == []


def test_checks_can_be_chosen() -> None:
    """By id; a wrong one is an error that says which there are."""
    assert selected((), ("license",)) == frozenset(CHECKS) - {"license"}
    assert selected(("license", "unsigned"), ("unsigned",)) == {"license"}
    with pytest.raises(UsageError, match="unknown check 'nosuch'"):
        selected(("nosuch",), ())
    found = judge([module(license="")], None, NAMES, selected((), ("license",)))
    assert found.findings == ()


def test_severities_and_exit_codes() -> None:
    """Errors count, warnings where it is strict, notes never."""
    error = looked_at(module(license=""))
    warning = looked_at(module(VF, VF))
    note = looked_at(module(is_signed=False), against=kernel())

    assert [one.exit_code(is_strict=False) for one in (error, warning, note)] == [
        1,
        0,
        0,
    ]
    assert [one.exit_code(is_strict=True) for one in (error, warning, note)] == [
        1,
        1,
        0,
    ]


def test_unreadable_files_are_findings() -> None:
    """Beside modules, in the order in which they were named."""
    one = Unreadable("a.ko", "truncated")
    report = judge([one, module()], None, NAMES, selected((), ()))

    assert [(found.path, found.message) for found in report.findings] == [
        ("a.ko", "truncated")
    ]
    assert report.paths == ("a.ko", "mlx5_vfio_pci.ko")


def test_modules_alias_tells_only_of_aliases() -> None:
    """What the file does not say is not missed."""
    told = Module(
        path="modules.alias",
        name="mlx5_vfio_pci",
        form="modules.alias",
        aliases=(Alias(VF, 7), Alias(VF, 8)),
    )
    (found,) = looked_at(told, against=kernel()).findings

    assert (found.check.id, found.line) == ("alias-duplicate", 8)

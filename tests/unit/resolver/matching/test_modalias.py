"""What a modalias must look like."""

from __future__ import annotations

import pytest

from resolver.errors import UsageError
from resolver.matching import modalias

VF = "pci:v000015B3d0000101Esv000015B3sd00000003bc02sc00i00"


def test_pci_modalias_says_bus_and_kind() -> None:
    """The bus, the VFIO name and vendor:device come out of the text."""
    parsed = modalias.parse(VF)
    assert parsed.bus == "pci"
    assert parsed.vfio == f"vfio_{VF}"
    assert parsed.vendor_device == "15b3:101e"


def test_vfio_name_is_taken_as_it_is() -> None:
    """A modalias that has the prefix already does not get a second one."""
    parsed = modalias.parse(f"vfio_{VF}")
    assert (parsed.bus, parsed.vfio) == ("pci", f"vfio_{VF}")


@pytest.mark.parametrize(
    ("text", "bus"),
    [
        ("platform:vfio-foo", "platform"),
        ("fsl-mc:v00001957ddpni", "fsl-mc"),
        ("cdx:v10EEd8084sv0000sd0000c000000", "cdx"),
        ("of:Nethernet(null)Cvendor,dev-1", "of"),
        ("css:t0", "css"),
    ],
)
def test_every_bus_is_accepted(text: str, bus: str) -> None:
    """Only PCI fields are checked; other buses need a name and something."""
    assert modalias.parse(text).bus == bus


@pytest.mark.parametrize(
    "text",
    ["", "pci", "pci:", ":v1", "PCI:v1", "foo bar:x", "foo:a b", "foo:\x07", "foo:é"],
)
def test_text_that_is_no_modalias_is_refused(text: str) -> None:
    """The error says that the form is wrong and is a usage error."""
    with pytest.raises(UsageError, match="malformed modalias") as caught:
        modalias.parse(text)
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "text",
    [
        VF.lower(),
        VF[:-1],
        VF + "0",
        VF.replace("101E", "101e"),
        VF.replace("v000015B3d", "v15B3d"),
        "pci:*",
    ],
)
def test_pci_modalias_that_the_kernel_would_not_print_is_refused(text: str) -> None:
    """Lower case, missing or surplus digits cannot match any alias."""
    with pytest.raises(UsageError, match="malformed modalias") as caught:
        modalias.parse(text)
    assert "upper case" in caught.value.hint

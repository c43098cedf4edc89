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
    form = "not of the form BUS:FIELDS"
    assert caught.value.message == f"malformed modalias {text!r}: {form}"
    hint = "read it with `cat /sys/bus/BUS/devices/DEVICE/modalias`"
    assert caught.value.hint == hint


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
    form = "not of the form pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X"
    assert caught.value.message == f"malformed modalias {text!r}: {form}"
    hint = "write upper case hexadecimal digits, and each field in full width"
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("text", "vendor_device", "device_class"),
    [
        (VF.replace("bc02sc00i00", "bc0Csc03iFE"), "15b3:101e", "0c03fe"),
        (f"vfio_{VF}", "15b3:101e", "020000"),
        ("platform:x", None, None),
    ],
)
def test_only_pci_has_vendor_and_class(
    text: str, vendor_device: str | None, device_class: str | None
) -> None:
    """In lower case, the id with four digits each."""
    parsed = modalias.parse(text)
    assert (parsed.vendor_device, parsed.device_class) == (vendor_device, device_class)
    assert parsed.text == text


@pytest.mark.parametrize("text", [VF, f"vfio_{VF}", "css:t0", "vfio_css:t0"])
def test_name_of_aliases_has_the_prefix_once(text: str) -> None:
    """Also by the short way."""
    expected = f"vfio_{text.removeprefix('vfio_')}"
    assert expected == modalias.vfio_name(text) == modalias.parse(text).vfio
    with pytest.raises(UsageError):
        modalias.vfio_name("nonsense")


def test_last_field_of_old_kernels_is_lower_case() -> None:
    """Aliases have upper case, and so has the parsed modalias."""
    text = "pci:v000015B3d0000101Esv000015B3sd00000016bc02sc00i"
    assert modalias.parse(f"{text}8f").text == f"{text}8F"
    assert modalias.vfio_name(f"{text}8f") == f"vfio_{text}8F"


def test_modalias_is_made_of_the_files_of_ids() -> None:
    """As the kernel prints it; None where a file holds no number."""
    ids = ["0x15b3", "0x101e", "0x15b3", "0x0016"]
    expected = "pci:v000015B3d0000101Esv000015B3sd00000016bc02sc00i00"
    assert modalias.pci_modalias(ids, "0x020000") == expected
    assert modalias.pci_modalias(ids, "garbage") is None
    assert modalias.pci_modalias([*ids[:3], ""], "0x020000") is None

"""Classes of devices by name and number."""

from __future__ import annotations

import pytest

from resolver.errors import UsageError
from resolver.matching.device_class import DEVICE_CLASSES, class_prefix


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *DEVICE_CLASSES.items(),
        ("02", "02"),
        ("0x0200", "0200"),
        ("0X020000", "020000"),
        ("0C03FE", "0c03fe"),
    ],
)
def test_class_is_a_name_or_leading_digits(text: str, expected: str) -> None:
    """Whole bytes, in upper or lower case."""
    assert expected == class_prefix(text)


@pytest.mark.parametrize("text", ["", "0", "020", "02000", "0200000", "0g", "0x", "x"])
def test_other_text_is_no_class(text: str) -> None:
    """The hint lists the names."""
    with pytest.raises(UsageError) as caught:
        class_prefix(text)
    assert caught.value.message == f"unknown device class {text!r}"
    assert caught.value.hint == (
        "use one of accelerator, bridge, crypto, display, net, serial, storage, or "
        "2, 4 or 6 hexadecimal digits"
    )


def test_misspelled_name_is_corrected() -> None:
    """The hint names the one that was meant."""
    with pytest.raises(UsageError) as caught:
        class_prefix("storge")
    assert caught.value.hint == "did you mean storage?"

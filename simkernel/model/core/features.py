"""Differences between kernel releases that the model shows.

One attribute a difference. The model asks for a feature, never for a version.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = ["Features", "parse_release"]


def parse_release(release: str) -> tuple[int, int]:
    """Return major and minor number of ``6.12.117+deb12``.

    :raises ValueError: the text does not begin with ``<major>.<minor>``.
    """
    found = re.match(r"(\d+)\.(\d+)", release)
    if found is None:
        raise ValueError(
            f"{release!r} is no kernel release: it must begin like 6.12, "
            "as uname -r prints it"
        )
    return int(found[1]), int(found[2])


@dataclass(frozen=True, slots=True, kw_only=True)
class Features:
    """Behaviour of one kernel release.

    Each feature was observed on both sides of its limit, unless it says otherwise.
    """

    bind_reports_probe_errno: bool
    """``bind`` reports EBUSY for a bound device, and the errno of a failed probe;
    before, both were ENODEV (5.10 no, 6.1 yes)."""
    flattens_overflow: bool
    """A number too large for ``sriov_numvfs`` is EINVAL; before, ERANGE (5.10 no,
    6.1 yes)."""
    bool_takes_true: bool
    """``t`` and ``f`` are booleans, too (5.10 no, 6.1 yes)."""
    power_state: bool
    """A function has ``power_state`` (5.10 no, 6.1 yes)."""
    reset_method: bool
    """A function with a reset has ``reset_method`` (5.10 no, 6.1 yes; introduced in
    5.15)."""
    vf_msix: bool
    """``sriov_vf_msix_count`` and ``sriov_vf_total_msix`` exist (5.10 no, 6.1 yes)."""
    override_only_ids: bool
    """``pci_device_id.override_only`` exists, and with it ``vfio_pci:`` aliases
    (5.10 no, 6.1 yes; introduced in 5.16)."""
    new_id_refuses_duplicates: bool
    """``new_id`` refuses a dynamic id that exists: EEXIST (5.10 no, 6.1 yes)."""
    vfio_dev: bool
    """Class ``vfio-dev`` and the ``vfio-dev/vfioN`` directory (5.10 no, 6.1 yes)."""
    builtin_table_aliases: bool
    """``modules.builtin.modinfo`` holds the device-table aliases of built-in
    modules (6.17 no, 6.18 yes)."""
    driver_makes_module: bool
    """The module of a built-in driver is in ``/sys/module`` (6.1 no, 6.12 yes;
    introduced in 6.15, and in the stable series of 6.12)."""
    vfio_runtime_pm: bool
    """A function bound to a VFIO driver may be suspended: ``power/control`` is
    ``auto`` (introduced in 5.19)."""
    vfio_fs: bool
    """VFIO devices are in a file system that pins the module (6.1 no, 6.12 yes;
    introduced in 6.10)."""
    lazy_dma: bool
    """The type of an IOMMU group shows lazy flushing: ``DMA-FQ`` (introduced in
    5.15)."""
    add_honours_autoprobe: bool
    """``drivers_autoprobe`` 0 holds for new PCI devices, too (6.18 no, 7.2 yes)."""

    @classmethod
    def of_release(cls, release: str) -> Features:
        """Return the features of a release.

        :param release: as ``uname -r`` prints it.
        :raises ValueError: ``release`` does not begin with ``<major>.<minor>``.
        """
        version = parse_release(release)
        return cls(
            bind_reports_probe_errno=version >= (5, 13),
            flattens_overflow=version >= (5, 13),
            bool_takes_true=version >= (5, 18),
            power_state=version >= (5, 11),
            reset_method=version >= (5, 15),
            vf_msix=version >= (5, 13),
            override_only_ids=version >= (5, 16),
            new_id_refuses_duplicates=version >= (5, 16),
            vfio_dev=version >= (6, 1),
            builtin_table_aliases=version >= (6, 18),
            driver_makes_module=version >= (6, 12),
            vfio_runtime_pm=version >= (5, 19),
            vfio_fs=version >= (6, 10),
            lazy_dma=version >= (5, 15),
            add_honours_autoprobe=version >= (7, 0),
        )

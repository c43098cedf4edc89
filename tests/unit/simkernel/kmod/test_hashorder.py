"""The order of depmod's hash tables."""

from __future__ import annotations

from simkernel.kmod.hashorder import MODULE_BUCKETS, bucket_order


def test_names_come_in_the_order_that_depmod_was_seen_to_use() -> None:
    """Modules outside modules.order, as the modules.dep of a real host lists them."""
    names = [
        "simplat", "simdrv_a", "simfake", "simdrv_ov", "simdrv_b", "simdrv_notable",
        "simdrv_all", "simdrv_class", "mtty", "virtio_vfio_pci", "mlx5_vfio_pci",
    ]  # fmt: skip

    assert bucket_order(sorted(names), MODULE_BUCKETS) == names


def test_every_length_of_name_has_its_place() -> None:
    """The last one to three bytes are hashed in their own ways."""
    names = ["", "a", "ab", "abc", "abcd", "äöü"]

    assert sorted(bucket_order(names, 4)) == sorted(names)

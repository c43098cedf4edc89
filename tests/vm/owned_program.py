"""Print who owns a VFIO node, and what an owned group refuses."""

import array
import errno
import fcntl
import json
import os
import subprocess
import threading
import time

CARD, SOUND = "0000:03:00.0", "0000:03:00.1"
"""Two functions of one group."""
SET_CONTAINER, SET_IOMMU, GET_DEVICE = 0x3B68, 0x3B66, 0x3B6A
TYPE1 = 1
UNSAFE = "/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts"
os.chdir("/sys/bus/pci")


def write(path, text):
    number = os.open(path, os.O_WRONLY)
    try:
        os.write(number, text.encode())
        return "done"
    except OSError as problem:
        return errno.errorcode[problem.errno]
    finally:
        os.close(number)


subprocess.run(["modprobe", "-a", "vfio_pci", "vfio_iommu_type1"], check=True)
write(UNSAFE, "1")  # the guest's IOMMU does not remap interrupts
for name in (CARD, SOUND):
    write(f"devices/{name}/driver_override", "vfio-pci")
    if os.path.exists(f"devices/{name}/driver"):
        write(f"devices/{name}/driver/unbind", name)
    write("drivers_probe", name)
group = os.path.basename(os.readlink(f"devices/{CARD}/iommu_group"))
node = f"/dev/vfio/{group}"

os.chown(node, 107, 107)
owners = [os.stat(node).st_uid]
for name in (CARD, SOUND):
    write("drivers/vfio-pci/unbind", name)
write("drivers/vfio-pci/bind", CARD)
owners.append(os.stat(node).st_uid)
facts = {"R-DEV-2": owners}

container = os.open("/dev/vfio/vfio", os.O_RDWR)
owner = os.open(node, os.O_RDWR)
fcntl.ioctl(owner, SET_CONTAINER, array.array("i", [container]).tobytes())
fcntl.ioctl(container, SET_IOMMU, TYPE1)
write(f"devices/{SOUND}/driver_override", "\n")
facts["R-IOMMU-2"] = write("drivers/snd_hda_intel/bind", SOUND)
facts["R-PROBE-2"] = write("drivers_probe", SOUND)

device = fcntl.ioctl(owner, GET_DEVICE, bytearray(CARD.encode() + b"\0"))
ended = []
thread = threading.Thread(
    target=lambda: ended.append(write("drivers/vfio-pci/unbind", CARD))
)
thread.start()
while os.path.exists(f"devices/{CARD}/driver"):
    time.sleep(0.01)
time.sleep(1)
facts["R-VFIO-8"] = [*ended, f"node is there: {os.path.exists(node)}", "close"]
os.close(device)
thread.join()
facts["R-VFIO-8"] += ended
print(json.dumps(facts))

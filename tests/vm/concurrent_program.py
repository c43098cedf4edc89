"""Print in which order operations end that begin one after the other."""

import ctypes
import errno
import json
import os
import threading
import time

SLOW, QUICK = "0000:01:00.0", "0000:02:00.0"
LIBC = ctypes.CDLL(None, use_errno=True)
FINIT_MODULE, DELETE_MODULE = 313, 176
os.chdir("/sys/bus/pci")
ended = []


def write(path, text):
    number = os.open(path, os.O_WRONLY)
    try:
        os.write(number, text.encode())
        return 0
    except OSError as problem:
        return problem.errno
    finally:
        os.close(number)


def call(*arguments):
    return 0 if LIBC.syscall(*arguments) == 0 else ctypes.get_errno()


def delete(name):
    return call(DELETE_MODULE, name.encode(), os.O_NONBLOCK)


def insert(path):
    number = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return call(FINIT_MODULE, number, b"", 0)
    finally:
        os.close(number)


def begun(name, action, *arguments):
    def work():
        code = action(*arguments)
        ended.append(f"{name}: {errno.errorcode.get(code, 'done')}")

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def until(path):
    while not os.path.exists(path):
        time.sleep(0.01)


def order(first, *others):
    """Return what has ended when one thread has, and what the others come to."""
    first.join()
    early = list(ended)
    for one in others:
        one.join()
    late = sorted(ended[len(early) :])
    ended.clear()
    return [early, late]


write(f"devices/{SLOW}/driver_override", "slow")
first = begun("slow bind", write, "drivers/slow/bind", SLOW)
until(f"drivers/slow/{SLOW}")
second = begun("unbind of it", write, "drivers/slow/unbind", SLOW)
third = begun("bind of another", write, "drivers/quick/bind", QUICK)
facts = {"R-LOCK-1": order(third, first, second)}

write("drivers/quick/unbind", QUICK)
first = begun("probe of a slow one", write, "drivers_probe", SLOW)
until(f"drivers/slow/{SLOW}")
second = begun("probe of another", write, "drivers_probe", QUICK)
facts["R-LOCK-2"] = order(second, first)

file = f"/lib/modules/{os.uname().release}/kernel/late.ko"
first = begun("insertion", insert, file)
while (code := delete("late")) == errno.ENOENT:
    time.sleep(0.01)
second = begun("second insertion", insert, file)
first.join()
second.join()
(again,) = [one for one in ended if one.startswith("second")]
facts["R-MOD-14"] = [errno.errorcode.get(code, "done"), again]

number = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
try:
    while os.read(number, 8192):
        pass
except OSError as problem:
    facts["R-DEV-1"] = errno.errorcode[problem.errno]
print(json.dumps(facts, indent=1))

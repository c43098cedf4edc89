"""What the tools of kmod 30 do: depmod, modprobe, modinfo, rmmod, insmod, lsmod.

User space only: this package sees files and two system calls, both given to it; it
never touches the host. Entry points::

    from simkernel.kmod import commands, depmod

    depmod.generate(
        specs: Sequence[ModuleSpec],
        release: str,
        *,
        builtin_table_aliases: bool = True,
        compress: bool = False,     # kernel/... as .ko.xz, as Debian installs it
    ) -> Mapping[str, bytes]
        # Keys: every file below /lib/modules/<release>/, without leading slash:
        # "modules.alias", "modules.alias.bin", "kernel/drivers/vfio/vfio.ko", ...
        # Values are made when first asked for; iterating the keys is cheap.

    commands.run(argv: Sequence[str], context: Context) -> CommandResult
        # argv[0] is the command as typed: "modprobe", "/sbin/modprobe", ...
        # Never raises for what a command can meet: see CommandResult.returncode.
    commands.commands() -> tuple[str, ...]
        # ("depmod", "insmod", "lsmod", "modinfo", "modprobe", "rmmod")

    Context(                        # simkernel.kmod.context, frozen, keyword only
        files: Files,               # simkernel.kmod.files
        syscalls: ModuleSyscalls,   # simkernel.kmod.files
        release: str,               # uname -r
        uid: int = 0,               # not 0: both system calls fail with EPERM
        directory: str = "/",       # working directory
        environment: Mapping[str, str] = {},   # MODPROBE_OPTIONS is read from it
    )
    CommandResult(returncode: int, stdout: bytes, stderr: bytes)  # frozen, kw only

    class Files(Protocol):          # paths are absolute, or as given on argv
        def read(self, path: str) -> bytes: ...          # raises OSError
        def listdir(self, path: str) -> list[str]: ...   # raises OSError
        def exists(self, path: str) -> bool: ...         # follows links
        # depmod also wants: def write(self, path: str, content: bytes) -> None

    class ModuleSyscalls(Protocol):
        def init_module(self, image: bytes, parameters: str) -> None: ...
        def delete_module(self, name: str, *, force: bool) -> None: ...
        # Both raise OSError with the errno of finit_module(2), delete_module(2).

``image`` is the uncompressed content of the ``.ko`` file; ``elf.module_name(image)``
gives the name that it declares. The state of modules is read as libkmod does, from
``/proc/modules`` and ``/sys/module/<name>/{initstate,refcnt,holders/,coresize}``,
the kernel command line from ``/proc/cmdline``.

Not imitated: messages that only ``-vv`` shows, ``--help``, waiting with ``-w``, zstd,
POSIXLY_CORRECT, checksums of symbols; of depmod its configuration, symbol checks and
the report of dependency cycles, which here are one message.
"""

from __future__ import annotations

"""The tools of kmod 30, on files and system calls.

User space only: callers pass the files and the two system calls of a host. The package
never touches the real host. Entry points::

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
        # Values are generated on first access; iterating the keys is cheap.

    commands.run(argv: Sequence[str], context: Context) -> CommandResult
        # argv[0] is the command as typed: "modprobe", "/sbin/modprobe", ...
        # Failures of a command do not raise: see CommandResult.returncode.
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
        # depmod also requires: def write(self, path: str, content: bytes) -> None

    class ModuleSyscalls(Protocol):
        def init_module(self, image: bytes, parameters: str) -> None: ...
        def delete_module(self, name: str, *, force: bool) -> None: ...
        # Both raise OSError with the errno of finit_module(2), delete_module(2).

``image`` is the uncompressed content of the ``.ko`` file; ``elf.module_name(image)``
gives the name that it declares. The package reads the state of modules as libkmod, from
``/proc/modules`` and ``/sys/module/<name>/{initstate,refcnt,holders/,coresize}``,
and the kernel command line from ``/proc/cmdline``.

Not implemented: messages that only ``-vv`` shows, ``--help``, waiting with ``-w``,
zstd, POSIXLY_CORRECT and checksums of symbols; of depmod its configuration and symbol
checks. Dependency cycles are one message.
"""

from __future__ import annotations

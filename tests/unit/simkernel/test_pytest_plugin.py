"""The pytest plugin in test runs of its own, as a consumer has it."""

from __future__ import annotations

import subprocess
import sys

import pytest

# The inner runs forget what they import, and PyYAML cannot be imported twice.
import simkernel.testing.fakefs_tier
import simkernel.testing.fuse_tier
import simkernel.testing.sim  # noqa: F401  # for the comment above

pytest_plugins = ["pytester"]

TAKE = """
    import pytest

    VF = "0000:3b:00.2"

    def take(sim, device=VF):
        code = "open('/sys/bus/pci/drivers/mlx5_core/unbind', 'w').write('%s')"
        sim.run(["python", "-c", code % device], check=True)
"""


@pytest.fixture
def tests(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder of tests, on the fakefs tier."""
    pytester.makeini("[pytest]\nsim_via = fakefs\naddopts = --strict-markers\n")
    return pytester


def test_host_is_what_the_nearest_marker_says(tests: pytest.Pytester) -> None:
    """On module, class, function and parameter; one without a name adds to it."""
    tests.makepyfile(
        """
        import pytest

        pytestmark = pytest.mark.scenario("mlx5_vfio_pci", vfs=2)

        def vfs(sim):
            return sum(1 for one in sim.kernel.devices if one > "0000:3b:00.0")

        def test_module(sim):
            assert vfs(sim) == 2

        @pytest.mark.scenario(vfs=3)
        def test_adds(sim):
            assert vfs(sim) == 3

        @pytest.mark.scenario("mlx5_vfio_pci", vfs=1)
        class TestClass:
            def test_class(self, sim):
                assert vfs(sim) == 1

            @pytest.mark.scenario("vfio_pci")
            def test_function(self, sim):
                assert "mlx5_core" not in sim.kernel.modules

        @pytest.mark.parametrize(
            "count",
            [pytest.param(n, marks=pytest.mark.scenario(vfs=n)) for n in (4, 5)],
        )
        def test_parameter(sim, count):
            assert vfs(sim) == count

        @pytest.mark.parametrize("sim", [{"vfs": 6}], indirect=True)
        def test_indirect_settings(sim):
            assert vfs(sim) == 6

        @pytest.mark.parametrize("sim", ["vfio_pci", "qat_vfio_pci"], indirect=True)
        def test_indirect_names(sim):
            assert sim.kernel.devices
        """
    )

    tests.runpytest().assert_outcomes(passed=9)


def test_own_template_is_found_beside_the_test(tests: pytest.Pytester) -> None:
    """By a path relative to the test's file, or by any Path."""
    tests.mkdir("hosts")
    tests.path.joinpath("hosts/own.yaml.j2").write_text(
        "description: Empty.\nparameters:\n  release: {default: 6.1.0}\n---\n"
        "kernel: {release: {{ release }}}\n"
    )
    tests.makepyfile(
        """
        from pathlib import Path
        import pytest

        HOSTS = Path(__file__).parent / "hosts"

        @pytest.mark.scenario("hosts/own.yaml.j2")
        def test_text(sim):
            assert sim.read("/proc/sys/kernel/osrelease") == "6.1.0\\n"

        @pytest.mark.scenario(HOSTS / "own.yaml.j2", release="6.12.1")
        def test_path(sim):
            assert sim.read("/proc/sys/kernel/osrelease") == "6.12.1\\n"
        """
    )

    tests.runpytest().assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("marker", "reason"),
    [
        ('scenario("nosuch")', "unknown scenario 'nosuch'"),
        ('scenario("mlx5_vfio_pci", cards=1)', "has no parameter 'cards'"),
        ('scenario("mlx5_vfio_pci", via="vm")', "must be one of auto, fakefs, fuse"),
        ('scenario("own/none.yaml.j2")', "cannot read scenario"),
        ("scenario(vfs=2)", "the fixture sim requires a scenario"),
    ],
)
def test_wrong_marker_is_an_error_of_one_line(
    tests: pytest.Pytester, marker: str, reason: str
) -> None:
    """No traceback of ours, and what there is instead."""
    tests.makepyfile(
        f"""
        import pytest

        @pytest.mark.{marker}
        def test_it(sim):
            pass
        """
    )

    result = tests.runpytest()

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([f"*{reason}*"])
    result.stdout.no_fnmatch_line("*pytest_plugin.py*")


def test_tests_share_nothing(tests: pytest.Pytester) -> None:
    """Each begins with a host as booted, and leaves this process as it was."""
    tests.makepyfile(
        TAKE
        + """
    @pytest.mark.parametrize("again", range(3))
    @pytest.mark.scenario("mlx5_vfio_pci")
    def test_take(sim, again):
        import os
        assert sim.driver_of(VF) == "mlx5_core"
        assert os.path.exists(__file__)
        take(sim)
        assert sim.driver_of(VF) is None
    """
    )

    tests.runpytest().assert_outcomes(passed=3)


def test_test_that_fails_inside_leaves_the_host(tests: pytest.Pytester) -> None:
    """The next test is on the machine, and the failure is shown in full."""
    tests.makepyfile(
        """
        import os
        import pytest

        @pytest.mark.scenario("mlx5_vfio_pci")
        def test_inside(sim_fs):
            assert sim_fs.driver_of("3b:00.2") == "mlx5_core"
            assert os.listdir("/sys/bus/pci/devices") == []

        def test_after(tmp_path):
            assert os.path.exists("/etc/passwd")
            (tmp_path / "x").write_text("x")
        """
    )

    result = tests.runpytest()

    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            '>*assert os.listdir("/sys/bus/pci/devices") == []',
            "*'0000:3a:00.0'*",
            "*Changed on <Sim mlx5_vfio_pci() on fakefs>*",
            "nothing changed since the start",
        ]
    )


def test_unequal_trees_are_explained_by_a_difference(tests: pytest.Pytester) -> None:
    """``assert before == sim.tree()`` shows what is different, nothing else."""
    tests.makepyfile(
        TAKE
        + """
    @pytest.mark.scenario("mlx5_vfio_pci")
    def test_take(sim):
        before = sim.tree()
        take(sim)
        assert before == sim.tree()
    """
    )

    result = tests.runpytest("-vv")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E*the trees differ:",
            "E*--- before",
            "E*+++ after",
            "E*@@ /sys/devices/pci0000:3a/0000:3a:00.0/0000:3b:00.2 @@",
            "E*-driver -> ../../../../bus/pci/drivers/mlx5_core",
        ]
    )


def test_failed_test_says_what_changed_on_its_host(tests: pytest.Pytester) -> None:
    """Also when the assertion was about something else."""
    tests.makepyfile(
        TAKE
        + """
    @pytest.mark.scenario("mlx5_vfio_pci", vfs=1)
    def test_take(sim):
        take(sim)
        assert 1 == 2
    """
    )

    tests.runpytest().stdout.fnmatch_lines(
        [
            "*Changed on <Sim mlx5_vfio_pci(vfs=1) on fakefs>*",
            "-driver -> ../../../../bus/pci/drivers/mlx5_core",
        ]
    )


def test_expected_change_fails_in_the_test_not_in_the_kit(
    tests: pytest.Pytester,
) -> None:
    """The traceback ends in the consumer's line."""
    tests.makepyfile(
        TAKE
        + """
    @pytest.mark.scenario("mlx5_vfio_pci", vfs=1)
    def test_take(sim):
        take(sim)
        sim.assert_changed({"/sys/bus/pci/devices/0000:3b:00.2/driver": "vfio-pci"})
    """
    )

    result = tests.runpytest()

    result.stdout.fnmatch_lines(
        [
            ">*sim.assert_changed(*",
            "E*the host differs from what is expected",
            "E*vfio-pci: it is gone",
        ]
    )
    result.stdout.no_fnmatch_line("*testing/sim.py*")


def test_tier_of_the_command_line_is_taken(tests: pytest.Pytester) -> None:
    """It decides over the configuration file; the marker decides over both."""
    tests.makepyfile(
        """
        import pytest

        @pytest.mark.scenario("mlx5_vfio_pci")
        def test_default(sim):
            with sim.inside():
                pass
        """
    )
    tests.makeini("[pytest]\nsim_via = fuse\n")

    result = tests.runpytest()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*inside() requires the fakefs tier*on fuse*"])
    tests.runpytest("--sim-via", "fakefs").assert_outcomes(passed=1)


def test_wrong_tier_in_the_configuration_is_an_error(tests: pytest.Pytester) -> None:
    """The line is named."""
    tests.makeini("[pytest]\nsim_via = vm\n")
    tests.makepyfile(
        """
        import pytest

        @pytest.mark.scenario("mlx5_vfio_pci")
        def test_it(sim):
            pass
        """
    )

    tests.runpytest().stdout.fnmatch_lines(["*sim_via = vm: must be one of auto*"])


def test_marker_and_options_are_described(tests: pytest.Pytester) -> None:
    """``--markers`` and ``--help`` know them, so ``--strict-markers`` does."""
    tests.runpytest("--markers").stdout.fnmatch_lines(["@pytest.mark.scenario(name*"])
    tests.runpytest("--help").stdout.fnmatch_lines(["*--sim-via*"])


@pytest.mark.real
def test_tests_run_in_parallel(tests: pytest.Pytester) -> None:
    """Under pytest-xdist, and the report of a failure comes across."""
    tests.makepyfile(
        TAKE
        + """
    @pytest.mark.parametrize("number", range(8))
    @pytest.mark.scenario("mlx5_vfio_pci")
    def test_take(sim, number):
        assert sim.driver_of(VF) == "mlx5_core"
        take(sim)
        assert number != 5
    """
    )

    result = tests.runpytest_subprocess("-n", "2")

    result.assert_outcomes(passed=7, failed=1)
    result.stdout.fnmatch_lines(["*Changed on <Sim mlx5_vfio_pci() on fakefs>*"])


@pytest.mark.real
def test_plugin_that_is_not_used_imports_nothing() -> None:
    """Every run of pytest loads it; only pytest and the standard library are paid."""
    code = (
        "import pytest, sys; before = set(sys.modules); import simkernel.pytest_plugin;"
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout == "['simkernel', 'simkernel.pytest_plugin']\n"

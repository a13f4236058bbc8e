"""The script that makes the environment, run against stand-ins for Python and apt-get."""

import os
import re
import shutil
import stat
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]
PYTHON = """#!/bin/sh
# Stands in for Python: makes an "environment" that is a copy of itself.
case "$*" in
    *version_info\\ *3,\\ 11*) exit {too_old} ;;
    *ensurepip*) [ -e {root}/has-ensurepip ] ;;
    *venv\\"*) echo python3.11-venv ;;
    "-m venv "*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && echo venv >>{root}/log ;;
    *"-m pip config"*) exit 1 ;;
    *"-m pip install --quiet uv"*) echo pip-uv >>{root}/log; cp {root}/uv "${{0%python}}uv" ;;
    *"-m pip"*) echo pip >>{root}/log ;;
    --version) echo Python 3.11 ;;
esac
"""
GPU = ("/dev/nvidiactl", "/dev/dxg")
UV = '#!/bin/sh\necho uv >>{root}/log; echo "$*" >>{root}/asked\n'


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with what the script needs, and an executable `python` beside it."""
    (tmp_path / "project/infra").mkdir(parents=True)
    (tmp_path / "bin").mkdir()
    shutil.copy(ROOT / "infra/bootstrap.sh", tmp_path / "project/infra")
    (tmp_path / "project/requirements.lock").write_text("one==1\n")
    (tmp_path / "project/pyproject.toml").write_text("")
    (tmp_path / "has-ensurepip").touch()
    (tmp_path / "log").touch()
    write_program(tmp_path / "python", PYTHON.format(root=tmp_path, too_old=0))
    write_program(tmp_path / "bin/uv", UV.format(root=tmp_path))
    return tmp_path


def write_program(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def bootstrap(
    checkout: Path, project: str = "project", path: str = os.environ["PATH"]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", str(checkout / project / "infra/bootstrap.sh")],
        env={
            "PATH": f"{checkout / 'bin'}:{path}",
            "PYTHON": str(checkout / "python"),
        },
        capture_output=True,
        text=True,
        check=False,
    )


def log(checkout: Path) -> list[str]:
    return (checkout / "log").read_text().split()


def test_the_first_run_makes_the_environment_and_the_second_does_nothing(checkout: Path) -> None:
    first = bootstrap(checkout)
    after_first = log(checkout)
    second = bootstrap(checkout)

    assert first.returncode == second.returncode == 0, first.stderr + second.stderr
    assert after_first == ["venv", "uv", "pip"]
    assert log(checkout) == after_first
    assert second.stderr == ""
    asked = (checkout / "asked").read_text()
    assert "--requirements requirements.lock" in asked
    # No libraries for a GPU where there is none.
    assert ("--torch-backend cpu" in asked) is not any(map(os.path.exists, GPU))


def test_uv_is_had_by_pip_where_there_is_none(checkout: Path) -> None:
    (checkout / "bin/uv").rename(checkout / "uv")

    done = bootstrap(checkout, path="/usr/bin:/bin")

    assert (done.returncode, log(checkout)) == (0, ["venv", "pip-uv", "uv", "pip"]), done.stderr


def test_what_uv_cannot_install_pip_does_and_it_is_said(checkout: Path) -> None:
    write_program(checkout / "bin/uv", "#!/bin/sh\nexit 2\n")

    done = bootstrap(checkout)

    assert (done.returncode, log(checkout)) == (0, ["venv", "pip", "pip"])
    assert "uv cannot install them here; pip does" in done.stderr


def test_a_changed_lock_is_installed_into_the_environment_there_is(checkout: Path) -> None:
    bootstrap(checkout)
    (checkout / "project/requirements.lock").write_text("one==2\n")

    bootstrap(checkout)

    assert log(checkout) == ["venv", "uv", "pip", "uv", "pip"]


def test_a_moved_checkout_gets_a_new_environment(checkout: Path) -> None:
    bootstrap(checkout)
    (checkout / "project").rename(checkout / "moved")

    bootstrap(checkout, project="moved")

    assert log(checkout) == ["venv", "uv", "pip"] * 2


def test_a_failed_install_is_tried_again(checkout: Path) -> None:
    failing = PYTHON.replace("echo pip >>", "exit 7; echo pip >>")
    write_program(checkout / "python", failing.format(root=checkout, too_old=0))
    failed = bootstrap(checkout)
    write_program(checkout / "python", PYTHON.format(root=checkout, too_old=0))

    again = bootstrap(checkout)

    assert failed.returncode == 7
    assert again.returncode == 0
    assert log(checkout)[-2:] == ["uv", "pip"]


def test_an_old_python_is_refused_by_name(checkout: Path) -> None:
    write_program(checkout / "python", PYTHON.format(root=checkout, too_old=1))

    done = bootstrap(checkout)

    assert done.returncode == 1
    assert str(checkout / "python") in done.stderr
    assert log(checkout) == []


def test_a_python_without_ensurepip_gets_it_from_apt_or_says_which_command_does(
    checkout: Path,
) -> None:
    (checkout / "has-ensurepip").unlink()
    write_program(checkout / "bin/apt-get", f"#!/bin/sh\necho apt-get-$1 >>{checkout}/log\n")

    done = bootstrap(checkout)

    if os.geteuid() == 0:
        assert log(checkout)[:2] == ["apt-get-update", "apt-get-install"]
    else:
        assert "sudo apt-get install -y python3.11-venv" in done.stderr


def lock_lines() -> list[str]:
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def test_the_lock_pins_everything_to_one_version() -> None:
    pin = re.compile(r"[a-z0-9-]+==[0-9a-z.]+( ;|$)")
    names = [line.partition("==")[0] for line in lock_lines()]

    assert [line for line in lock_lines() if not pin.match(line)] == []
    assert names == sorted(set(names))


def test_the_lock_fits_what_the_project_asks_for() -> None:
    few_bits = (ROOT / "tests/unit/trainer/low_bit.txt").read_text().splitlines()
    lines = [*lock_lines(), *(line for line in few_bits if not line.startswith("#"))]
    pinned = {Requirement(line).name: Requirement(line) for line in lines}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"].values()
    wanted = [Requirement(line) for lines in (project["dependencies"], *extras) for line in lines]

    unmet = [str(requirement) for requirement in wanted if not is_met(requirement, pinned)]

    assert len(wanted) > 20
    assert unmet == []


def is_met(requirement: Requirement, pinned: dict[str, Requirement]) -> bool:
    name = canonicalize_name(requirement.name)
    if name == "rrtf-suite":
        return True
    return name in pinned and all(
        pin.version in requirement.specifier for pin in pinned[name].specifier
    )


def have_tools(folder: Path, programs: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the script that has the tests' tools here, where these are all the programs there are."""
    for name, text in programs.items():
        write_program(folder / name, text)
    for name in ("id", "sh"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return subprocess.run(
        [str(folder / "sh"), str(ROOT / "infra/test_tools.sh")],
        env={"PATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


INTERPRETERS = ("php", "ruby", "lua5.4", "tsc")
PACKAGES = {"dpkg-query": f"#!{shutil.which('sh')}\nprintf installed\n"}


def test_tools_that_are_there_are_left_alone(tmp_path: Path) -> None:
    there = dict.fromkeys(("chromium", "curl", *INTERPRETERS), "#!/bin/sh\n")

    done = have_tools(tmp_path, there | PACKAGES | {"apt-get": "#!/bin/sh\nexit 9\n"})

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("there", "missing"),
    [
        (INTERPRETERS, "curl chromium-headless-shell"),
        (("curl", *INTERPRETERS), "chromium-headless-shell"),
        (("chromium", *INTERPRETERS), "curl"),
        (("chromium", "curl", "php", "lua5.4"), "ruby node-typescript"),
    ],
)
def test_missing_tools_are_installed_or_the_command_is_said(
    tmp_path: Path, there: tuple[str, ...], missing: str
) -> None:
    apt_get = f'#!{shutil.which("sh")}\necho "$*" >>{tmp_path}/log\n'

    done = have_tools(
        tmp_path, PACKAGES | {"apt-get": apt_get} | dict.fromkeys(there, "#!/bin/sh\n")
    )

    assert done.returncode == 0
    if os.geteuid() == 0:
        update, install = (tmp_path / "log").read_text().splitlines()
        assert update.startswith("update")
        assert f"--no-install-recommends {missing} -qq" in install
    else:
        assert "sudo apt-get install" in done.stderr


def test_a_missing_library_is_installed(tmp_path: Path) -> None:
    done = have_tools(tmp_path, dict.fromkeys(("chromium", "curl", *INTERPRETERS), "#!/bin/sh\n"))

    for library in ("golang-github-stretchr-testify-dev", "libjavatuples-java", "node-lodash"):
        assert library in done.stderr


def test_a_tool_that_cannot_be_installed_is_an_error(tmp_path: Path) -> None:
    done = have_tools(tmp_path, {"apt-get": f"#!{shutil.which('sh')}\nexit 100\n"})

    assert done.returncode == (100 if os.geteuid() == 0 else 0)

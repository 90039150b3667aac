"""`make packages` tells what it installs, as root or by a sudo that asks nothing, or the one command to run.

The machine's own programs are stood in for, so that any machine can play each of the others.
"""

import os
import subprocess
from pathlib import Path

import pytest
from sandbox_process import ROOT

SHELL = "#!/bin/sh\n"
ROOTLESS = "echo 1000"


@pytest.fixture()
def machine(tmp_path: Path) -> Path:
    """A folder of programs: root, npm, Debian's tools, and all packages but two."""
    programs = {
        "id": "echo 0",
        "npm": "",
        "uv": "",
        "dpkg": 'test "$2" != faketime && test "$2" != postgresql',
        "apt-get": f'echo "apt-get $*" >> {tmp_path}/done',
        "sudo": f'echo "sudo $*" >> {tmp_path}/done; test "$1" = -n && exit 0; exec "$@"',
    }
    for name, script in programs.items():
        put(tmp_path, name, script)
    for name in ("sh", "bash", "env", "xargs", "grep", "sed", "paste", "echo", "make"):
        (tmp_path / name).symlink_to(next(p for p in (Path("/usr/bin") / name, Path("/bin") / name) if p.exists()))
    return tmp_path


def put(machine: Path, name: str, script: str) -> None:
    (machine / name).write_text(f"{SHELL}{script}\n")
    (machine / name).chmod(0o755)


def make(machine: Path) -> tuple[int, str, list[str]]:
    """Exit code, what it said, and what was run as root or by sudo."""
    environment = {"PATH": str(machine), "HOME": os.environ.get("HOME", "/")}
    command = [machine / "make", "packages"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    ran = machine / "done"
    return done.returncode, done.stdout + done.stderr, ran.read_text().splitlines() if ran.exists() else []


INSTALLED = ["apt-get update -qq", "apt-get install -qq -y faketime postgresql"]


def test_root_is_told_what_is_installed_and_it_is(machine: Path) -> None:
    code, said, ran = make(machine)
    assert code == 0
    assert "installed now: faketime postgresql" in said
    assert ran == INSTALLED


def test_a_sudo_that_asks_nothing_is_used(machine: Path) -> None:
    put(machine, "id", ROOTLESS)
    code, said, ran = make(machine)
    assert code == 0
    assert "installed now: faketime postgresql" in said
    assert [line for line in ran if line.startswith("apt-get")] == INSTALLED
    assert ran[0] == "sudo -n true"


@pytest.mark.parametrize("sudo", ["asks for a password", "is not there"])
def test_where_nobody_may_the_one_command_is_said(machine: Path, sudo: str) -> None:
    put(machine, "id", ROOTLESS)
    if sudo == "is not there":
        (machine / "sudo").unlink()
    else:
        put(machine, "sudo", "exit 1")
    code, said, ran = make(machine)
    assert code != 0
    assert "Run  sudo apt-get install faketime postgresql  and then make again." in said
    assert ran == []


def test_on_another_system_the_packages_are_named(machine: Path) -> None:
    (machine / "apt-get").unlink()
    code, said, ran = make(machine)
    assert code != 0
    assert "The tests need what Debian calls faketime postgresql; install it" in said
    assert ran == []


def test_nothing_is_said_or_asked_where_nothing_is_missing(machine: Path) -> None:
    put(machine, "dpkg", "exit 0")
    assert make(machine) == (0, "", [])

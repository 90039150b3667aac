"""Check the workflows in .github as far as possible without running them on GitHub."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from sandbox_process import ROOT
from venvs import run

SCRIPTS = Path(sys.executable).parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TEMPLATES = ROOT / ".github" / "ISSUE_TEMPLATE"
FORMS = sorted(TEMPLATES.glob("[!c]*.yml"))


@pytest.mark.parametrize(
    "command",
    [["zizmor", "--offline", "--quiet", ".github"], ["hadolint", "Dockerfile", "examples/kubernetes/Dockerfile"]],
    ids=lambda command: command[0],
)
def test_a_linter_finds_nothing(command: list[str]) -> None:
    run([SCRIPTS / command[0], *command[1:]])


@pytest.mark.parametrize(
    ("kind", "files"),
    [
        ("github-workflows", WORKFLOWS),
        ("dependabot", [ROOT / ".github" / "dependabot.yml"]),
        ("github-issue-forms", FORMS),
        ("github-issue-config", [TEMPLATES / "config.yml"]),
    ],
)
def test_the_files_have_githubs_shape(kind: str, files: list[Path]) -> None:
    run([SCRIPTS / "check-jsonschema", "--builtin-schema", f"vendor.{kind}", *files])


def release_step(name: str, tag: str, folder: Path) -> bool:
    """Return whether a step of the release workflow passes for `tag` in `folder`, which stands in for the checkout."""
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text())
    [command] = [step["run"] for step in workflow["jobs"]["build"]["steps"] if step.get("name") == name]
    environment = {"GITHUB_REF_NAME": tag, "PATH": os.environ["PATH"]}
    return subprocess.run(["bash", "-euc", command], cwd=folder, env=environment).returncode == 0


def test_a_release_is_of_a_commit_on_main(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        run(["git", "-c", "user.name=a", "-c", "user.email=a@b.c", *arguments], cwd=tmp_path)

    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "--message", "Tagged")
    git("tag", "v1.0.0")
    git("commit", "--quiet", "--allow-empty", "--message", "Merged later")
    git("update-ref", "refs/remotes/origin/main", "HEAD")
    git("checkout", "--quiet", "v1.0.0")
    assert release_step("Check that the tag is on main", "v1.0.0", tmp_path)
    git("commit", "--quiet", "--allow-empty", "--message", "Not merged")
    assert not release_step("Check that the tag is on main", "v1.0.1", tmp_path)

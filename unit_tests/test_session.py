"""Test which of the machine's settings the HTTP session uses, and how large a body may be."""

from dataclasses import replace
from pathlib import Path

import pytest
from builders import config
from in_process import USAGE
from requests_mock import Mocker

from source_magnific_analytics.policy import POLICY, BodyTooLargeError
from source_magnific_analytics.quota import Quota
from source_magnific_analytics.session import Session


def session(**settings: str) -> Session:
    return Session(config(**settings), replace(POLICY, largest_body=8, most_objects=2, body_timeout=0), Quota(1))


def test_a_password_in_netrc_is_never_sent(api: Mocker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "netrc").write_text("default login ann password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    api.get(USAGE)
    assert "Authorization" not in session().get(USAGE).request.headers


def test_proxies_and_certificates_of_the_environment_are_for_magnific_alone() -> None:
    assert [session().trust_env, session(base_url="http://localhost:8080").trust_env] == [True, False]


def test_a_body_may_reach_its_limits_but_not_exceed_them(api: Mocker) -> None:
    api.get(USAGE, [{"content": text} for text in (b"[{}, 11]", b"[{}, 111]", b"[{},[]]")])
    here = session()
    assert here.read(here.get(USAGE)) == b"[{}, 11]"
    for limit in ("0 MiB", "2 entries"):
        with pytest.raises(BodyTooLargeError, match=limit):
            here.read(here.get(USAGE))

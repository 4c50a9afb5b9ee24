"""The environment switches: what each spelling means, and what is refused."""

from pathlib import Path

import pytest

from srcgrad.config import Settings, read_settings, settings
from srcgrad.errors import SrcgradError


def test_nothing_is_asked_for_by_default():
    assert read_settings({}) == Settings(dump=None, check=False)


def test_an_empty_dump_directory_means_none():
    assert read_settings({"SRCGRAD_DUMP": ""}).dump is None
    assert read_settings({"SRCGRAD_DUMP": "graphs"}).dump == Path("graphs")


@pytest.mark.parametrize(
    ("text", "meaning"),
    [("1", True), ("true", True), (" On ", True), ("0", False), ("", False), ("NO", False)],
)
def test_spellings_of_check(text, meaning):
    assert read_settings({"SRCGRAD_CHECK": text}).check is meaning


def test_a_misspelt_switch_is_refused():
    with pytest.raises(SrcgradError, match="SRCGRAD_CHECK is 'ture'"):
        read_settings({"SRCGRAD_CHECK": "ture"})


def test_the_process_reads_its_environment_once(monkeypatch):
    settings.cache_clear()
    try:
        monkeypatch.setenv("SRCGRAD_DUMP", "first")
        assert settings().dump == Path("first")
        monkeypatch.setenv("SRCGRAD_DUMP", "second")
        assert settings().dump == Path("first")
    finally:
        settings.cache_clear()

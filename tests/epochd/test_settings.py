"""Settings come from the environment, options go first, and a bad one is told in one line."""

from pathlib import Path

import pytest

from epochd.errors import BadSettings
from epochd.settings import Settings


def test_a_bad_value_is_told_with_its_name_and_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("EPOCHD_PORT", "eighty")
    with pytest.raises(BadSettings, match=r"EPOCHD_PORT=eighty: .*integer") as told:
        Settings.read()
    assert "\n" not in str(told.value)


def test_all_bad_values_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPOCHD_PORT", "70000")
    monkeypatch.setenv("EPOCHD_LEASE_SECONDS", "0")
    with pytest.raises(BadSettings, match=r"EPOCHD_PORT=70000.*EPOCHD_LEASE_SECONDS=0"):
        Settings.read()


def test_a_lease_outlasts_a_missed_heartbeat() -> None:
    with pytest.raises(BadSettings, match=r"--heartbeat-seconds=6.*half of EPOCHD_LEASE_SECONDS"):
        Settings.read(lease_seconds=10, heartbeat_seconds=6)


def test_a_bad_option_is_told_as_the_option() -> None:
    with pytest.raises(BadSettings, match="--slots=0"):
        Settings.read(slots=0)


def test_an_option_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPOCHD_PORT", "9000")
    assert Settings.read().port == 9000
    assert Settings.read(port=9001).port == 9001
    assert Settings.read(port=None).port == 9000


def test_what_is_not_set_lies_in_the_data_folder(tmp_path: Path) -> None:
    settings = Settings.read(data_dir=tmp_path)
    assert settings.database == f"sqlite:///{tmp_path}/epochd.sqlite3"
    assert settings.artifacts == f"file://{tmp_path}/artifacts"


def test_a_variable_that_is_set_to_nothing_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPOCHD_DATABASE_URL", "")
    assert Settings.read().database_url is None


def test_only_the_embedded_service_can_do_without_a_broker() -> None:
    with pytest.raises(BadSettings, match="EPOCHD_BROKER_URL is not set"):
        _ = Settings.read().broker


def test_another_process_reads_the_same_settings_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = Settings.read(data_dir=tmp_path, port=8123, slots=3, sweep_seconds=0.5)
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    again = Settings.read()
    assert (again.port, again.slots, again.sweep_seconds) == (8123, 3, 0.5)
    assert (again.database, again.artifacts) == (settings.database, settings.artifacts)
    assert again.broker_url is None


def test_a_url_that_nothing_here_speaks_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPOCHD_DATABASE_URL", "mysql://host/epochd")
    monkeypatch.setenv("EPOCHD_BROKER_URL", "amqp://host")
    with pytest.raises(BadSettings, match=r"DATABASE_URL.*postgresql://.*BROKER_URL.*redis://"):
        Settings.read()


def test_a_password_in_a_url_is_never_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EPOCHD_DATABASE_URL", "postgresql://epochd:secret@host/epochd")
    monkeypatch.setenv("EPOCHD_PORT", "no")
    with pytest.raises(BadSettings) as told:
        Settings.read()
    assert "secret" not in str(told.value)


def test_every_setting_is_documented() -> None:
    documentation = (Path(__file__).parents[2] / "docs" / "production.md").read_text()
    missing = {
        name for name in Settings.model_fields if f"`EPOCHD_{name.upper()}`" not in documentation
    }
    assert not missing

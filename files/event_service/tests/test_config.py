"""Settings: what is taken, what is refused, and what the refusal says."""

from __future__ import annotations

import pytest

from event_service import config


@pytest.fixture
def env(tmp_path):
    return {"DB_PATH": str(tmp_path / "events.db")}


def test_a_writable_database_path_is_all_that_is_needed(env, tmp_path):
    settings = config.load(env)

    assert settings.vm_write_url == "http://victoria-metrics:8428/write"
    assert settings.vm_query_url == "http://victoria-metrics:8428"
    assert settings.reports_path == tmp_path / "reports"
    assert settings.images_path == tmp_path / "images"
    assert (settings.port, settings.log_level, settings.timezone) == (8088, "INFO", "UTC")
    assert (settings.mapbox_free_tiles_per_month, settings.esri_free_tiles_per_month) == (750_000, 2_000_000)
    assert settings.guardrail_limit_pct == 0.95
    assert settings.api_key is None
    assert settings.report_base_url is None


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        pytest.param("DB_PATH", "", "not set; name the file", id="no database"),
        pytest.param("DB_PATH", "events.db", "relative path", id="relative database"),
        pytest.param("DB_PATH", "/proc/nowhere/events.db", "mount or create it", id="database on nothing"),
        pytest.param("REPORTS_PATH", "/proc/1/reports", "create it for this user", id="reports where none can be"),
        pytest.param("PORT", "eighty", "whole number from 1 to 65535", id="port in words"),
        pytest.param("PORT", "70000", "whole number from 1 to 65535", id="port too high"),
        pytest.param("PORT", "²", "whole number", id="port in superscript"),
        pytest.param("VM_WRITE_URL", "victoria-metrics:8428", "http://host:port/path", id="address without scheme"),
        pytest.param("LOG_LEVEL", "loud", "DEBUG, INFO, WARNING, ERROR", id="log level"),
        pytest.param("GUARDRAIL_LIMIT_PCT", "95", "write 95 % as 0.95", id="share as per cent"),
        pytest.param("GUARDRAIL_LIMIT_PCT", "nan", "share between 0 and 1", id="share that is no number"),
        pytest.param("TZ", "Mars/Olympus", "Europe/Berlin", id="time zone"),
        pytest.param("TZ", "../../etc/passwd", "Europe/Berlin", id="time zone as a path"),
        pytest.param("API_KEY_FILE", "/proc/nowhere/key", "correct path or rights", id="key file missing"),
        pytest.param("API_KEY_FILE", "/dev/null", "is empty", id="key file empty"),
    ],
)
def test_a_bad_setting_is_named_with_its_value_and_remedy(env, name, value, says):
    with pytest.raises(config.ConfigError) as refused:
        config.load({**env, name: value})

    assert str(refused.value).startswith(name)
    assert value in str(refused.value)
    assert says in str(refused.value)


def test_a_key_comes_from_a_file(env, tmp_path):
    (tmp_path / "key").write_text("geheim-é\n")

    assert config.load({**env, "API_KEY_FILE": str(tmp_path / "key")}).api_key == "geheim-é".encode()


def test_a_key_given_twice_is_refused_without_showing_it(env, tmp_path):
    (tmp_path / "key").write_text("geheim")

    with pytest.raises(config.ConfigError, match="set twice") as refused:
        config.load({**env, "API_KEY": "geheim", "API_KEY_FILE": str(tmp_path / "key")})

    assert "geheim" not in str(refused.value)


def test_an_empty_variable_counts_as_not_set(env):
    assert config.load({**env, "API_KEY": "", "REPORT_BASE_URL": "", "PORT": ""}).api_key is None

"""docker-compose.yml is what Docker takes, keeps what it promises, and its commands run."""

import json
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.production import compose

PASSWORDS = {"POSTGRES_PASSWORD": "secret1", "VALKEY_PASSWORD": "secret2"}
ROOT = compose.PATH.parent


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return compose.read(PASSWORDS)


def test_the_file_follows_the_compose_specification(whole: dict[str, Any]) -> None:
    specification = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    jsonschema.validate(whole, json.loads(specification.read_text()))


def test_a_misspelt_key_would_be_found(whole: dict[str, Any]) -> None:
    specification = files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    wrong = {**whole, "services": {"api": {**whole["services"]["api"], "healtcheck": {}}}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, json.loads(specification.read_text()))


@pytest.mark.parametrize("missing", PASSWORDS)
def test_there_is_no_default_secret(missing: str) -> None:
    given = {name: value for name, value in PASSWORDS.items() if name != missing}
    with pytest.raises(compose.VariableMissing, match=missing):
        compose.read(given)


def test_every_service_is_watched_except_the_one_that_ends(whole: dict[str, Any]) -> None:
    unwatched = {name for name, it in whole["services"].items() if "healthcheck" not in it}
    assert unwatched == {"migrate"}


def test_whatever_is_depended_on_is_there_and_can_become_so(whole: dict[str, Any]) -> None:
    for service in whole["services"].values():
        for name, wanted in service.get("depends_on", {}).items():
            healthy = wanted["condition"] == "service_healthy"
            assert ("healthcheck" in whole["services"][name]) == healthy


def test_every_named_volume_is_declared(whole: dict[str, Any]) -> None:
    used = {mount.partition(":")[0] for it in whole["services"].values() for mount in it["volumes"]}
    assert used == set(whole["volumes"])


def test_every_image_is_ours_or_pinned_by_a_version(whole: dict[str, Any]) -> None:
    for service in whole["services"].values():
        assert "build" in service or re.search(r":\d+\.\d+", service["image"]), service["image"]


def test_the_api_is_open_to_this_machine_alone(whole: dict[str, Any]) -> None:
    published = [port for it in whole["services"].values() for port in it.get("ports", ())]
    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_a_worker_gets_longer_to_end_than_its_drain_takes(whole: dict[str, Any]) -> None:
    for name in ("worker-control", "worker-train", "worker-train-gpu"):
        assert int(whole["services"][name]["stop_grace_period"].removesuffix("s")) > 30


def test_each_gpu_container_has_one_device(whole: dict[str, Any]) -> None:
    service = whole["services"]["worker-train-gpu"]
    (device,) = service["deploy"]["resources"]["reservations"]["devices"]
    assert device["device_ids"] == ["0"]
    assert service["profiles"] == ["gpu"]


def test_each_build_finds_its_dockerfile_and_requirements(whole: dict[str, Any]) -> None:
    for service in whole["services"].values():
        if "build" in service:
            build = service["build"]
            text = (ROOT / build["dockerfile"]).read_text()
            for name, value in build.get("args", {}).items():
                text = text.replace(f"${{{name}}}", value)
            copied = re.findall(r"^COPY (?!--from)(\S+) ", text, re.MULTILINE)
            assert copied
            assert all((ROOT / path).exists() for path in copied)
            assert "\nUSER epochd\n" in text


def test_the_api_image_has_no_tensorflow() -> None:
    dockerfile = (ROOT / "docker" / "api.Dockerfile").read_text()
    (requirements,) = re.findall(r"^COPY (requirements/\S+)", dockerfile, re.MULTILINE)
    locked = (ROOT / requirements).read_text()
    assert "fastapi==" in locked
    assert "tensorflow" not in locked
    assert "keras" not in locked


def test_the_images_see_only_what_they_copy() -> None:
    allowed = {
        line.removeprefix("!").partition("/")[0]
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    for dockerfile in Path(ROOT / "docker").glob("*.Dockerfile"):
        copied = re.findall(r"^COPY (?!--from)([^/\s]+)", dockerfile.read_text(), re.MULTILINE)
        assert set(copied) <= allowed


@pytest.mark.parametrize(
    ("image", "entries"),
    [
        ("api", "epochd.__main__, epochd.api, epochd.migrate"),
        ("worker", "epochd.__main__, epochd.worker, epochd.check_worker"),
    ],
)
def test_an_image_holds_all_that_its_commands_import(
    tmp_path: Path, image: str, entries: str
) -> None:
    dockerfile = (ROOT / "docker" / f"{image}.Dockerfile").read_text()
    for folder in re.findall(r"^COPY (\w+) \1$", dockerfile, re.MULTILINE):
        (tmp_path / folder).symlink_to(ROOT / folder)
    script = f"""
import sys
sys.path = [{str(tmp_path)!r}, *(path for path in sys.path if path not in ("", {str(ROOT)!r}))]
import {entries}
assert not {{"keras", "tensorflow"}} & set(sys.modules)
"""
    ran = subprocess.run(
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr

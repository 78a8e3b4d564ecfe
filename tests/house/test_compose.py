"""deploy/: an image, a file for one machine and a balancer that keep to the rules of docs/deploy.md."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from compose_spec import PyCompose
from compose_spec.models import ComposeSpecification
from typer.testing import CliRunner

from checkout import ROOT, SOURCE_ROOTS
from settings_names import settings_of
from smallpool_config.cli import app
from smallpool_service.http.health import router

DEPLOY = ROOT / "deploy"
OWN = ("init", "indexer", "service")
_VARIABLE = re.compile(r"\$\{(\w+)(?::(?P<kind>[-?])(?P<rest>[^}]*))?\}")


def example() -> dict[str, str]:
    """The variables of .env.example with their values, "" for what an operator has to fill in."""
    lines = (DEPLOY / ".env.example").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def interpolated() -> str:
    """compose.yaml as it is once every secret is filled in."""
    filled = {name: value or "s3cret" * 8 for name, value in example().items()}
    return _VARIABLE.sub(lambda found: filled[found[1]], (DEPLOY / "compose.yaml").read_text("utf-8"))


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(interpolated())["services"]
    return found


def test_the_compose_file_is_what_the_compose_specification_allows() -> None:
    compose = yaml.safe_load(interpolated())
    ComposeSpecification.model_validate(compose, extra="forbid")
    PyCompose.from_yaml(yaml.safe_dump(compose)).validate()


def test_an_unknown_word_in_a_compose_file_is_found() -> None:
    with pytest.raises(ValueError, match="portz"):
        ComposeSpecification.model_validate({"services": {"a": {"image": "a", "portz": ["1:1"]}}}, extra="forbid")


def test_the_example_names_every_variable_and_holds_no_secret() -> None:
    used = {found[1]: found["kind"] for found in _VARIABLE.finditer((DEPLOY / "compose.yaml").read_text("utf-8"))}
    assert set(used) == set(example())
    assert {name for name, kind in used.items() if kind == "?"} == {name for name, value in example().items() if not value}
    assert {"SMALLPOOL_ADMIN_KEY", "ELASTIC_PASSWORD", "REDIS_PASSWORD"} == {name for name, value in example().items() if not value}


def test_only_the_balancer_is_reached_from_outside_and_only_from_this_machine(services: dict[str, dict[str, Any]]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert list(published) == ["balancer"]
    assert all(port.startswith("127.0.0.1:") for port in published["balancer"])
    assert "stores" not in services["balancer"]["networks"]
    assert yaml.safe_load(interpolated())["networks"]["stores"] == {"internal": True}


def test_every_service_has_a_pinned_image_a_restart_rule_and_bounded_memory(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert re.search(r":\d+\.\d+", service["image"]), name
        assert service["restart"], name
        if name != "init":
            assert service["deploy"]["resources"]["limits"]["memory"], name


def test_the_stores_are_of_the_versions_that_the_tests_run_against(services: dict[str, dict[str, Any]]) -> None:
    jars = (ROOT / "config" / "smallpool_config" / "stack" / "jars.lock").read_text("utf-8")
    tested = dict(re.findall(r"org\.(?:elasticsearch|apache\.kafka):(elasticsearch|kafka)(?:_[\d.]+)?:([\d.]+)", jars))
    assert {name: services[name]["image"].rpartition(":")[2] for name in ("elasticsearch", "kafka")} == tested


def test_whatever_can_be_asked_for_its_health_is(services: dict[str, dict[str, Any]]) -> None:
    unasked = {name for name, service in services.items() if "test" not in service["healthcheck"]}
    assert unasked == {"init"}
    waits = {name: service.get("depends_on", {}) for name, service in services.items()}
    assert {one["condition"] for one in waits["init"].values()} == {"service_healthy"}
    assert all(waits[name] == {"init": {"condition": "service_completed_successfully"}} for name in ("indexer", "service"))


def test_an_indexer_is_asked_at_the_port_that_it_is_told_to_answer_at(services: dict[str, dict[str, Any]]) -> None:
    port = services["indexer"]["command"][services["indexer"]["command"].index("--metrics-port") + 1]
    assert f"http://127.0.0.1:{port}/readyz" in services["indexer"]["healthcheck"]["test"][-1]


@pytest.mark.parametrize("name", OWN)
def test_our_containers_can_write_nothing_but_what_is_mounted(services: dict[str, dict[str, Any]], name: str) -> None:
    service = services[name]
    assert (service["read_only"], service["cap_drop"], service["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])
    written = [volume.split(":")[1] for volume in service.get("volumes", [])] + [place.split(":")[0] for place in service["tmpfs"]]
    assert sorted(written) == ["/tmp", "/var/lib/smallpool"]


@pytest.mark.parametrize("name", OWN)
def test_our_containers_run_commands_that_exist_with_settings_that_exist(services: dict[str, dict[str, Any]], name: str) -> None:
    command = [word for word in services[name]["command"] if not word.startswith("-") and not word[0].isdigit()]
    assert CliRunner().invoke(app, [*command, "--help"]).exit_code == 0
    environment = {**image_environment(), **services[name]["environment"]}
    settings = settings_of(ROOT / "config" / "distributed.toml", environment)
    assert (settings.wiring, settings.http.host) == ("distributed", "0.0.0.0")
    assert (settings.elasticsearch.url, settings.kafka.bootstrap) == ("http://elasticsearch:9200", "kafka:9092")


def dockerfile() -> list[str]:
    """The instructions, each on one line."""
    text = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    return [re.sub(r"\s+", " ", line) for line in text.splitlines() if line and not line.startswith("#")]


def stages() -> tuple[list[str], list[str]]:
    """The instructions of the stage that builds, and of the one that is the image."""
    begins = [place for place, line in enumerate(dockerfile()) if line.startswith("FROM")]
    assert len(begins) == 2
    return dockerfile()[begins[0] : begins[1]], dockerfile()[begins[1] :]


def image_environment() -> dict[str, str]:
    """What the image sets."""
    return dict(pair.split("=", 1) for line in stages()[1] if line.startswith("ENV") for pair in line.split()[1:])


def test_the_image_reads_its_settings_where_they_lie_and_writes_where_it_may() -> None:
    environment = image_environment()
    assert environment["SMALLPOOL_CONFIG"] == "/etc/smallpool/settings.toml"
    assert "COPY config/distributed.toml /etc/smallpool/settings.toml" in stages()[1]
    written = [path for name, path in environment.items() if name.endswith("_DIRECTORY")]
    assert written == ["/var/lib/smallpool", "/var/lib/smallpool/state"]


def test_what_the_image_installs_is_locked_or_our_own() -> None:
    installs = [part for line in stages()[0] if line.startswith("RUN") for part in line.split("&&") if "pip install" in part]
    assert installs
    assert all("--require-hashes" in part or "--no-deps" in part for part in installs)
    assert any("requirements/distributed.txt" in part for part in installs)


def test_the_image_itself_builds_nothing_and_runs_as_nobody() -> None:
    _, image = stages()
    assert not [line for line in image if line.startswith("RUN") and re.search(r"pip|apt|gcc", line)]
    [user] = [line for line in image if line.startswith("USER")]
    assert user == "USER 10001:10001"
    assert image.index(user) > max(place for place, line in enumerate(image) if line.startswith(("RUN", "COPY")))
    assert 'ENTRYPOINT ["smallpool"]' in image
    assert "-slim-" in image[0]


def test_the_image_asks_itself_whether_it_lives() -> None:
    [check] = [line for line in stages()[1] if line.startswith("HEALTHCHECK")]
    assert "127.0.0.1:8080/healthz" in check
    assert "/healthz" in {getattr(route, "path", "") for route in router.routes}


def test_all_that_is_copied_into_the_image_is_let_through_and_is_there() -> None:
    let_through = {line[1:].rstrip("/") for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    copied = {name for line in dockerfile() if line.startswith("COPY") and "--from" not in line for name in line.split()[1:-1]}
    roots = {Path(name).parts[0] if Path(name).parts[0] in SOURCE_ROOTS else name for name in copied}
    assert roots == let_through
    assert set(SOURCE_ROOTS) < roots
    assert [name for name in copied if not (ROOT / name).exists()] == []


def test_the_balancer_asks_who_is_ready_and_hides_what_is_not_the_api() -> None:
    text = (DEPLOY / "haproxy.cfg").read_text("utf-8")
    assert "option httpchk GET /readyz" in text
    [hidden] = re.findall(r"deny deny_status 404 if \{ path ([^}]*) \}", text)
    paths = {getattr(route, "path", "") for route in router.routes}
    assert {*hidden.split(), "/readyz"} == {"/metrics", "/readyz"} <= paths
    assert "http-request del-header X-Forwarded-For" in text

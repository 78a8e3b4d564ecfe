"""deploy/helm/smallpool: rendered by helm itself, held against the schemas of Kubernetes, and against the rules of docs/deploy.md."""

import json
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from checkout import ROOT
from settings_names import settings_of
from smallpool_service.http.health import router

CHART = ROOT / "deploy" / "helm" / "smallpool"
OLDEST = "1.29.0"
NO_HELM_NOR_GO = 3
Objects = dict[tuple[str, str], dict[str, Any]]

VARIANTS: dict[str, list[str]] = {
    "default": [],
    "plain": ["--set", "service.autoscaling.enabled=false,networkPolicy.enabled=false,service.trustedProxies=10.0.0.0/8"],
    "pinned": ["--set", f"image.digest=sha256:{'0' * 64},image.pullSecrets[0].name=registry,indexer.state.storageClass=fast"],
    "placed": [
        "--set-json",
        'service.tolerations=[{"key":"a","operator":"Exists"}],indexer.nodeSelector={"disk":"ssd"}',
        "--set-json",
        'networkPolicy.from=[{"namespaceSelector":{}}],networkPolicy.stores=[{"ipBlock":{"cidr":"10.0.0.0/8"}}]',
    ],
    "more settings": ["--set-string", "extraSettings=[limits]\nin_flight = 64"],
}


@pytest.fixture(scope="session")
def helm() -> Path:
    """helm; a named skip where there is neither helm nor the Go that builds it."""
    found = subprocess.run([ROOT / "deploy" / "helm.sh"], check=False, capture_output=True, text=True)
    if found.returncode == NO_HELM_NOR_GO:
        pytest.skip("needs helm, or Go to build it with")
    assert found.returncode == 0, found.stderr
    return Path(found.stdout.strip())


def rendered(helm: Path, *options: str) -> Objects:
    """Every object of the chart by kind and name."""
    command = [helm, "template", "shop", CHART, "--kube-version", OLDEST, "--namespace", "market", *options]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return {(found["kind"], found["metadata"]["name"]): found for found in yaml.safe_load_all(text) if found}


def refused(helm: Path, *options: str) -> str:
    """What helm says of values that are not allowed."""
    tried = subprocess.run(
        [helm, "template", "shop", CHART, "--kube-version", OLDEST, *options], check=False, capture_output=True, text=True
    )
    assert tried.returncode != 0
    return tried.stderr


@pytest.fixture(scope="module")
def objects(helm: Path) -> Objects:
    return rendered(helm)


def pods(objects: Objects) -> Iterator[tuple[str, dict[str, Any]]]:
    """The spec of every pod that the chart makes, by the kind of its owner."""
    for (kind, _), found in objects.items():
        if kind in {"Deployment", "StatefulSet", "Job"}:
            yield kind, found["spec"]["template"]["spec"]


def test_the_values_are_what_their_schema_allows() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    jsonschema.Draft7Validator.check_schema(schema)
    jsonschema.Draft7Validator(schema).validate(values)


def test_the_chart_has_the_version_of_what_it_installs() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    assert {chart["version"], chart["appVersion"]} == {version}


def test_helm_finds_nothing_to_say_of_the_chart(helm: Path) -> None:
    subprocess.run([helm, "lint", "--strict", "--quiet", "--kube-version", OLDEST, CHART], check=True, capture_output=True)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
def test_every_object_is_one_that_kubernetes_knows(helm: Path, variant: str, version: str) -> None:
    for found in rendered(helm, *VARIANTS[variant]).values():
        kubernetes_validate.validate(found, ".".join(version.split(".")[:2]), strict=True)


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_settings_are_what_smallpool_reads(helm: Path, variant: str, tmp_path: Path) -> None:
    objects = rendered(helm, *VARIANTS[variant])
    texts = [found["data"]["settings.toml"] for (kind, _), found in objects.items() if kind == "ConfigMap"]
    assert len(texts) == 2
    assert texts[0] == texts[1]
    file = tmp_path / "settings.toml"
    file.write_text(texts[0], "utf-8")
    settings = settings_of(file, {})
    assert (settings.wiring, settings.kafka.partitions, settings.elasticsearch.replicas) == ("distributed", 12, 1)
    assert settings.limits.in_flight == (64 if variant == "more settings" else 256)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--set", "indexer.replicas=13"], "set at most as many"),
        (["--set", "service.replcias=3"], "replcias"),
        (["--set", "existingSecret="], "existingSecret"),
        (["--set", "kafka.bootstrap=kafka"], "bootstrap"),
        (["--set", "service.resources.limits.memory=null"], "memory"),
    ],
    ids=["idle indexer", "misspelt", "no secret", "no port", "no limit"],
)
def test_values_that_make_no_sense_are_refused(helm: Path, options: list[str], said: str) -> None:
    assert said in refused(helm, *options)


def test_every_pod_is_without_root_rights_tokens_and_places_to_write(objects: Objects) -> None:
    assert sorted(kind for kind, _ in pods(objects)) == ["Deployment", "Job", "StatefulSet"]
    for kind, pod in pods(objects):
        assert pod["automountServiceAccountToken"] is False, kind
        assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["seccompProfile"]) == (True, {"type": "RuntimeDefault"})
        for container in pod["containers"]:
            security = container["securityContext"]
            assert (security["allowPrivilegeEscalation"], security["readOnlyRootFilesystem"]) == (False, True), kind
            assert security["capabilities"] == {"drop": ["ALL"]}, kind
            assert container["resources"]["limits"]["memory"], kind
            assert [mount["mountPath"] for mount in container["volumeMounts"]] == ["/etc/smallpool", "/var/lib/smallpool", "/tmp"], kind


def test_secrets_come_from_a_secret_that_is_there_already(objects: Objects) -> None:
    assert "Secret" not in {kind for kind, _ in objects}
    for _, pod in pods(objects):
        assert [container["envFrom"] for container in pod["containers"]] == [[{"secretRef": {"name": "smallpool"}}]]


def test_the_service_is_asked_for_its_life_apart_from_its_readiness(objects: Objects) -> None:
    [container] = objects["Deployment", "shop-smallpool"]["spec"]["template"]["spec"]["containers"]
    asked = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "readiness", "liveness")}
    assert asked == {"startup": "/healthz", "readiness": "/readyz", "liveness": "/healthz"}
    assert set(asked.values()) <= {getattr(route, "path", "") for route in router.routes}


def test_an_indexer_is_asked_at_the_port_that_it_is_told_to_answer_at(objects: Objects) -> None:
    [container] = objects["StatefulSet", "shop-smallpool-indexer"]["spec"]["template"]["spec"]["containers"]
    asked = {name: container[f"{name}Probe"]["httpGet"] for name in ("startup", "readiness", "liveness")}
    assert {name: one["path"] for name, one in asked.items()} == {"startup": "/healthz", "readiness": "/readyz", "liveness": "/healthz"}
    [port] = container["ports"]
    assert {one["port"] for one in asked.values()} == {port["name"]}
    assert container["args"] == ["index", "--metrics-port", str(port["containerPort"])]


def test_replicas_are_left_to_the_autoscaler_and_kept_through_a_drain(helm: Path, objects: Objects) -> None:
    assert "replicas" not in objects["Deployment", "shop-smallpool"]["spec"]
    assert objects["HorizontalPodAutoscaler", "shop-smallpool"]["spec"]["scaleTargetRef"]["name"] == "shop-smallpool"
    plain = rendered(helm, *VARIANTS["plain"])
    assert plain["Deployment", "shop-smallpool"]["spec"]["replicas"] == 2
    assert not [name for name in plain if name[0] in {"HorizontalPodAutoscaler", "NetworkPolicy"}]
    for component, owner in (("service", ("Deployment", "shop-smallpool")), ("indexer", ("StatefulSet", "shop-smallpool-indexer"))):
        kept = objects["PodDisruptionBudget", f"shop-smallpool-{component}"]["spec"]["selector"]
        assert kept == objects[owner]["spec"]["selector"]


def test_what_an_indexer_keeps_is_its_own_and_goes_with_it(objects: Objects) -> None:
    spec = objects["StatefulSet", "shop-smallpool-indexer"]["spec"]
    assert spec["persistentVolumeClaimRetentionPolicy"] == {"whenDeleted": "Delete", "whenScaled": "Delete"}
    assert [claim["metadata"]["name"] for claim in spec["volumeClaimTemplates"]] == ["state"]


def test_indices_and_topics_are_made_before_anything_else(objects: Objects) -> None:
    hooks = {name: found["metadata"]["annotations"] for name, found in objects.items() if "annotations" in found["metadata"]}
    order = {name: int(found["helm.sh/hook-weight"]) for name, found in hooks.items() if found["helm.sh/hook"] == "pre-install,pre-upgrade"}
    assert sorted(order, key=lambda name: order[name]) == [("ConfigMap", "shop-smallpool-init"), ("Job", "shop-smallpool-init")]


def test_nobody_reaches_a_pod_but_the_service_at_its_port_and_an_indexer_at_that_of_its_figures(objects: Objects) -> None:
    everything = objects["NetworkPolicy", "shop-smallpool"]["spec"]
    assert (everything["policyTypes"], "ingress" in everything) == (["Ingress", "Egress"], False)
    assert [port["port"] for rule in everything["egress"] for port in rule["ports"]] == [53, 53, 9200, 9092, 6379]
    service = objects["NetworkPolicy", "shop-smallpool-service"]["spec"]
    assert service["ingress"] == [{"ports": [{"protocol": "TCP", "port": 8080}], "from": [{"podSelector": {}}]}]
    indexer = objects["NetworkPolicy", "shop-smallpool-indexer"]["spec"]
    assert indexer["ingress"] == [{"ports": [{"protocol": "TCP", "port": 8081}], "from": [{"podSelector": {}}]}]

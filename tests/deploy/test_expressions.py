"""Every expression of the dashboard and the alerts asks for what the service gives."""

import json
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from tests.deploy.promql import read
from tests.deploy.real_prometheus import DEPLOY, needs_promtool
from tests.reference.production.serving.running import Server

DASHBOARD: dict[str, Any] = json.loads(
    (DEPLOY / "grafana" / "dashboards" / "ml_api.json").read_text("utf-8")
)
RULES: dict[str, Any] = yaml.safe_load((DEPLOY / "alerts.yml").read_text("utf-8"))
# What Prometheus adds to every series that it scrapes.
SCRAPED = {"job", "instance"}


@dataclass(frozen=True)
class Expression:
    """An expression, and the labels that the text around it names."""

    where: str
    text: str
    shown: frozenset[str]


def expressions() -> list[Expression]:
    found = []
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            shown = re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])
            where = f"{panel['title']}, {target['refId']}"
            found.append(Expression(where, target["expr"], frozenset(shown)))
    for group in RULES["groups"]:
        for rule in group["rules"]:
            text = " ".join(rule["annotations"].values())
            shown = re.findall(r"\$labels\.(\w+)", text)
            found.append(Expression(rule["alert"], rule["expr"], frozenset(shown)))
    return found


@pytest.fixture(scope="module")
def exported(server: Server, ask_all: Callable[[], int]) -> dict[str, set[str]]:
    """The labels of each series that the service shows, by its name."""
    ask_all()
    text = httpx.get(f"{server.url}/metrics", timeout=30).text
    labels: dict[str, set[str]] = {"up": set(SCRAPED)}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels.setdefault(sample.name, set(SCRAPED)).update(sample.labels)
    return labels


@pytest.mark.parametrize("expression", expressions(), ids=lambda one: one.where)
def test_metrics_and_labels_exist(
    expression: Expression, exported: dict[str, set[str]]
) -> None:
    question = read(expression.text)
    assert question.metrics
    for metric, selecting in question.metrics:
        assert metric in exported
        assert selecting <= exported[metric], metric
        assert question.grouped <= exported[metric], metric
        assert expression.shown <= exported[metric], metric
        # Of the metrics of this service, not of Prometheus itself.
        assert "job" in selecting, metric


def test_what_is_shown_survives_the_aggregation() -> None:
    for expression in expressions():
        if "sum" in expression.text:
            assert expression.shown <= read(expression.text).grouped, expression


@pytest.mark.parametrize(
    ("text", "metrics", "grouped"),
    [
        ("up", [("up", set())], set()),
        ('up{job="a b{,}", x!~"y\\"z"}', [("up", {"job", "x"})], set()),
        ("rate(a_total[5m] offset 1h) > bool 1e3", [("a_total", set())], set()),
        ("sum by (x, y) (a) / on (z) max(b)", [], {"x", "y", "z"}),
        ("sum(a) by (x) or vector(0)", [("a", set())], {"x"}),
    ],
)
def test_the_reader_of_expressions(
    text: str, metrics: list[tuple[str, set[str]]], grouped: set[str]
) -> None:
    question = read(text)
    assert question.grouped == grouped
    assert not metrics or question.metrics == [
        (name, frozenset(labels)) for name, labels in metrics
    ]


def test_the_dashboard_finds_its_datasource() -> None:
    provisioning = DEPLOY / "grafana" / "provisioning"
    sources = (provisioning / "datasources" / "prometheus.yml").read_text("utf-8")
    [source] = yaml.safe_load(sources)["datasources"]
    for panel in DASHBOARD["panels"]:
        for one in (panel, *panel["targets"]):
            assert one["datasource"] == {"type": source["type"], "uid": source["uid"]}
    identities = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(identities)) == len(identities)
    prometheus = yaml.safe_load((DEPLOY / "prometheus.yml").read_text("utf-8"))
    interval = prometheus["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == interval


def test_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not taken & cells, panel["title"]
        assert max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells


def promtool(*arguments: str) -> str:
    done = subprocess.run(
        ["promtool", *arguments],
        cwd=DEPLOY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@needs_promtool
def test_promtool_accepts_configuration_and_rules() -> None:
    assert "1 rule files found" in promtool("check", "config", "prometheus.yml")
    assert "9 rules found" in promtool("check", "rules", "alerts.yml")


@needs_promtool
def test_every_alert_fires_when_it_should() -> None:
    assert "SUCCESS" in promtool("test", "rules", "alerts_test.yml")
    tests = yaml.safe_load((DEPLOY / "alerts_test.yml").read_text("utf-8"))["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    alerts = {rule["alert"] for group in RULES["groups"] for rule in group["rules"]}
    for fires in (True, False):
        shown = {
            case["alertname"] for case in cases if bool(case["exp_alerts"]) is fires
        }
        assert shown == alerts

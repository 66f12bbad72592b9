# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a cluster has arrived in the stores: asked for the evidence of the role obs_collectors. Read-only."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from .api import Api, ApiError
from .component_objects import Seen
from .discovery import PODS, SECRETS
from .errors import ClusterError
from .grafana_dashboard import expressions
from .object_store import ca_file
from .objects import Manifest, labels_of
from .stores import Series, Store

DASHBOARD = "synergyflow.platform/dashboard"
RUNNING = "status.phase=Running"
#: between the points of time at which an alert must have held
STEP = "10s"
#: how far back lines of a component are looked for: one that has nothing to do is silent for hours
DAY = timedelta(hours=24)
#: rows of a summary of logs
ROWS = 1000

Found = TypeVar("Found")


@dataclass(frozen=True)
class Alert:
    """A rule as it stands in the cluster."""

    name: str
    expr: str
    severity: str
    #: how long the expression has to hold, as `1m`; empty: not at all
    lasting: str = ""


@dataclass
class Collected:
    """What was asked for; an exception stands for no answer."""

    #: answers to a question that no store refuses
    metrics_store: list[Series] | BaseException = field(default_factory=list)
    logs_store: list[dict[str, Any]] | BaseException = field(default_factory=list)
    #: job -> pods that its selector finds and that run, as the API server has them
    running: Mapping[str, list[Manifest] | BaseException] = field(default_factory=dict)
    #: job -> those of them that declare its port
    targets: Mapping[str, list[Manifest] | BaseException] = field(default_factory=dict)
    #: `up` of this cluster, and when each of these samples was taken
    up: list[Series] | BaseException = field(default_factory=list)
    taken: list[Series] | BaseException = field(default_factory=list)
    #: `up` of the same jobs without the label `cluster`
    unlabelled: list[Series] | BaseException = field(default_factory=list)
    #: node -> lines, without lines of other clusters
    lines: Mapping[str, int] | BaseException = field(default_factory=dict)
    #: lines of these nodes without the label `cluster`
    lines_unlabelled: int | BaseException = 0
    #: namespace and pod -> lines of the last day
    pod_lines: Mapping[tuple[str, str], int] | BaseException = field(default_factory=dict)
    #: job of whose pods the store has no line -> whether they wrote any
    wrote: Mapping[str, bool | BaseException] = field(default_factory=dict)
    #: what was dropped on the way, of the last minutes: words -> how many
    dropped: Mapping[str, list[Series] | BaseException] = field(default_factory=dict)
    #: series sent within a day
    series: list[Series] | BaseException = field(default_factory=list)
    #: alert -> what its expression comes to now
    alerts: list[tuple[Alert, list[Series] | BaseException]] = field(default_factory=list)
    #: critical alert whose expression comes to something -> what of it has held for as long as it has to
    firing: Mapping[Alert, list[Series] | BaseException] = field(default_factory=dict)
    #: jobs that give metrics now, of any cluster
    answering: list[Series] | BaseException = field(default_factory=list)
    #: dashboard -> panel -> what it would show
    panels: Mapping[str, Mapping[str, list[Series] | BaseException]] = field(default_factory=dict)


def collected(api: Api, values: Mapping[str, Any], seen: Seen, now: datetime) -> Collected:
    """Everything that the evidence looks at in the stores."""
    with ExitStack() as things:
        metrics = caught(lambda: things.enter_context(store(api, values, "metrics", things)))
        found = Collected(metrics_store=_asked(metrics, "vector(1)"))
        if values["obs_collectors_collect"]:
            logs = caught(lambda: things.enter_context(store(api, values, "logs", things)))
            _collector(found, api, values, metrics)
            _lines(found, values, seen, logs, now)
            _lines_of_pods(found, api, values, logs, now)
        if values["obs_collectors_views"]:
            found.alerts = [(alert, _asked(metrics, alert.expr)) for alert in alerts_of(seen["rules"])]
            found.firing = {
                alert: _asked(metrics, lasted(alert)) if alert.lasting else series
                for alert, series in found.alerts
                if alert.severity == "critical" and series and not isinstance(series, BaseException)
            }
            found.answering = _asked(metrics, "count by (job) (up == 1)")
            found.panels = {
                name: {title: _asked(metrics, expr) for title, expr in expressions(text).items()}
                for name, text in dashboards_of(seen["dashboards"])
            }
    return found


def store(api: Api, values: Mapping[str, Any], what: str, things: ExitStack) -> Store:
    """The store of metrics or logs, as this machine reaches it, with the collectors' own log-in."""
    url = values[f"obs_collectors_{what}_url_here"] or values[f"obs_collectors_{what}_url"]
    if not url:
        raise ClusterError(f"where the {what} are is not known: set obs_collectors_{what}_url")
    login = _secret(api, values, "obs_collectors_store_secret")
    authority = _secret(api, values, "obs_collectors_store_ca_secret").get("ca.crt", "")
    return Store(
        url,
        api.deadline,
        user=login.get("username"),
        password=login.get("password"),
        ca_file=things.enter_context(ca_file(authority)),
    )


def _secret(api: Api, values: Mapping[str, Any], variable: str) -> dict[str, str]:
    """The values of the Secret that a variable names, masked from now on; {} where it names none."""
    name = values[variable]
    if not name:
        return {}
    secret = api.get(SECRETS, values["obs_collectors_namespace"], name)
    if secret is None:
        raise ClusterError(f"there is no Secret {name} in {values['obs_collectors_namespace']} ({variable}): make it")
    found = {key: base64.b64decode(text).decode(errors="replace") for key, text in (secret.get("data") or {}).items()}
    api.masker.always(found[key] for key in ("username", "password") if key in found)
    return found


def _collector(found: Collected, api: Api, values: Mapping[str, Any], metrics: Store | BaseException) -> None:
    cluster, minutes = values["obs_collectors_cluster"], values["obs_collectors_check_minutes"]
    jobs = values["obs_collectors_scrape_jobs"]
    found.running = dict(zip([job["name"] for job in jobs], api.each(lambda job: pods_of(api, job), jobs), strict=True))
    ports = {job["name"]: job["port"] for job in jobs}
    found.targets = {
        name: pods if isinstance(pods, BaseException) else [pod for pod in pods if ports[name] in _ports(pod)]
        for name, pods in found.running.items()
    }
    names = "|".join(job["name"] for job in jobs)
    found.up = _asked(metrics, f'up{{cluster="{cluster}"}}')
    found.taken = _asked(metrics, f'timestamp(up{{cluster="{cluster}"}})')
    found.unlabelled = _asked(metrics, f'up{{cluster="", job=~"{names}"}}')
    dropped = {
        "blocks of samples, as the buffer was full": "vm_persistentqueue_blocks_dropped_total",
        "samples, as a day's series were too many": "vmagent_daily_series_limit_rows_dropped_total",
        "lines, as the buffer was full": "fluentbit_output_dropped_records_total",
    }
    if not values["obs_collectors_series_per_day"]:
        dropped.pop("samples, as a day's series were too many")
    found.dropped = {
        words: _asked(metrics, f'sum(increase({name}{{cluster="{cluster}"}}[{minutes}m]))')
        for words, name in dropped.items()
    }
    found.series = _asked(metrics, f'max(vmagent_daily_series_limit_current_series{{cluster="{cluster}"}})')


def _lines(found: Collected, values: Mapping[str, Any], seen: Seen, logs: Store | BaseException, now: datetime) -> None:
    # a second more: times are taken to the second
    end = now + timedelta(seconds=1)
    start = end - timedelta(minutes=values["obs_collectors_check_minutes"])
    span = (stamp(start), stamp(end))
    nodes = ",".join(f'"{name}"' for name in sorted(nodes_of(seen)))

    def by_node() -> dict[str, int]:
        query = f'_stream:{{cluster="{values["obs_collectors_cluster"]}"}} | stats by (node) count() as lines'
        return {str(row.get("node", "")): int(row["lines"]) for row in opened(logs).logs(query, *span, ROWS)}

    found.logs_store = caught(lambda: opened(logs).logs("*", *span, 1))
    found.lines = caught(by_node)
    if nodes:
        query = f'node:in({nodes}) cluster:=""'
        found.lines_unlabelled = caught(lambda: opened(logs).count_logs(query, *span))


def _lines_of_pods(
    found: Collected, api: Api, values: Mapping[str, Any], logs: Store | BaseException, now: datetime
) -> None:
    staying = values["obs_collectors_log_exclude_namespaces"]
    jobs = {
        name: [pod for pod in pods if pod["metadata"]["namespace"] not in staying]
        for name, pods in found.running.items()
        if not isinstance(pods, BaseException)
    }
    names = sorted({pod["metadata"]["name"] for pods in jobs.values() for pod in pods})
    listed = ",".join(f'"{name}"' for name in names)
    cluster = values["obs_collectors_cluster"]
    query = f'_stream:{{cluster="{cluster}"}} pod:in({listed}) | stats by (namespace, pod) count() as lines'

    def by_pod() -> dict[tuple[str, str], int]:
        rows = opened(logs).logs(query, stamp(now - DAY), stamp(now + timedelta(seconds=1)), ROWS + len(names))
        return {(str(row.get("namespace", "")), str(row.get("pod", ""))): int(row["lines"]) for row in rows}

    lines = caught(by_pod) if names else {}
    found.pod_lines = lines
    if not isinstance(lines, BaseException):
        silent = [name for name, pods in jobs.items() if not any(place_of(pod) in lines for pod in pods)]
        found.wrote = dict(zip(silent, api.each(lambda name: _wrote(api, jobs[name]), silent), strict=True))


def _wrote(api: Api, pods: Iterable[Mapping[str, Any]]) -> bool:
    """Whether kubelets have a line of the last day of any of the pods."""
    for pod in pods:
        path = f"{PODS.path(*place_of(pod))}/log"
        for container in pod["spec"]["containers"]:
            query = {"container": container["name"], "sinceSeconds": int(DAY.total_seconds()), "tailLines": 1}
            if api.call("GET", path, query=query, accept="*/*").body.strip():
                return True
    return False


def place_of(pod: Mapping[str, Any]) -> tuple[str, str]:
    """Namespace and name of a pod."""
    return pod["metadata"]["namespace"], pod["metadata"]["name"]


def pods_of(api: Api, job: Mapping[str, Any]) -> list[Manifest]:
    """The pods that a job's selector finds and that run."""
    found: list[Manifest] = []
    for namespace in job.get("namespaces") or [""]:
        try:
            found += api.list(PODS, namespace=namespace, selector=job["selector"], fields=RUNNING)
        except ApiError as error:
            if error.code != 404:
                raise
    return found


def _ports(pod: Mapping[str, Any]) -> set[int]:
    return {port["containerPort"] for each in pod["spec"]["containers"] for port in each.get("ports") or []}


def nodes_of(seen: Seen) -> set[str]:
    """The nodes that a pod of Fluent Bit is on."""
    pods = [pod for pod in seen["pods"] if labels_of(pod).get("app.kubernetes.io/name") == "fluent-bit"]
    return {str(pod["spec"]["nodeName"]) for pod in pods if pod["spec"].get("nodeName")}


def alerts_of(rules: Iterable[Mapping[str, Any]]) -> list[Alert]:
    """Every alert of PrometheusRules."""
    return [
        Alert(rule["alert"], str(rule["expr"]), (rule.get("labels") or {}).get("severity", ""), rule.get("for", ""))
        for each in rules
        for group in each["spec"].get("groups") or []
        for rule in group.get("rules") or []
        if "alert" in rule
    ]


def lasted(alert: Alert) -> str:
    """What of an alert holds since as long as it has to: as many points of time as there are (Prometheus' `for`)."""
    span = f"[{alert.lasting}:{STEP}]"
    return f"({alert.expr}) and (count_over_time(({alert.expr}){span}) >= scalar(count_over_time(vector(1){span})))"


def dashboards_of(config_maps: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Name and JSON of each dashboard."""
    return [
        (labels_of(each).get(DASHBOARD, key), text)
        for each in config_maps
        for key, text in (each.get("data") or {}).items()
    ]


def stamp(time: datetime) -> str:
    """A time as the store takes it."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def opened(found: Store | BaseException) -> Store:
    """The store, or the reason why there is none."""
    if isinstance(found, BaseException):
        raise found
    return found


def _asked(found: Store | BaseException, query: str) -> list[Series] | BaseException:
    return caught(lambda: opened(found).metrics(query))


def caught(ask: Callable[[], Found]) -> Found | BaseException:
    """The answer, or the error in its place."""
    try:
        return ask()
    except ClusterError as error:
        return error

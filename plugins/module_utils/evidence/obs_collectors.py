# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AC10: a cluster's logs and metrics arrive in the stores. AC13: dashboards and alerts have something to look at."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from ..collected import Collected, nodes_of, place_of
from ..component_objects import NOT_SERVED, Seen, stand_ins
from ..objects import Manifest
from ..readiness import judge
from ..stores import Series
from .logs import log_record
from .records import BLOCKED, FAILED, SKIPPED, Record, judged, unmeasured, unread

# Fluent Bit: `[2026/11/21 12:00:00] [error] …`; vmagent: `2026-11-21T12:00:00.000Z<tab>error<tab>…`
ERROR_LINE = re.compile(r"\[ *error\]|\terror\t|\tfatal\t|\tpanic\t")
#: how old a sample may be; the store itself looks back for five minutes
FRESH = timedelta(minutes=5)
#: within this time of a pod's start its first sample may be on its way: the store shows what is half a minute old
YOUNG = timedelta(minutes=2)
#: namespace and name of a pod -> a value
ByPod = dict[tuple[str, str], float]


def records(
    values: Mapping[str, Any],
    seen: Seen,
    found: Collected,
    logs: Mapping[str, str | BaseException],
    now: datetime,
    *,
    expected: Collection[str] = (),
) -> list[Record]:
    """The criteria in the order a reader asks. `expected` are the jobs that have to find pods on this cluster."""
    result = [store_answers("AC10-metrics-store", "metrics", found.metrics_store)]
    if values["obs_collectors_collect"]:
        result += [
            store_answers("AC10-logs-store", "logs", found.logs_store),
            workload("AC10-fluent-bit", "Fluent Bit runs on every node", seen, "daemon_sets", len(seen["nodes"])),
            workload("AC10-vmagent", "vmagent runs", seen, "stateful_sets", 1),
            log_clean(seen, logs, now),
            *[scraped(job, found, now, job in expected) for job in found.targets],
            samples_labelled(values, found),
            lines_arrive(values, seen, found),
            *[logged(job, values, found) for job in found.running],
            lines_labelled(found),
            nothing_dropped(values, found),
            cardinality(values, found),
        ]
    if values["obs_collectors_views"]:
        result += [
            rules_there(seen, found),
            expressions_answer(seen, found),
            nothing_critical(seen, found),
            *[dashboard_shows(name, found) for name in found.panels],
        ]
        if not found.panels:
            result.append(judged("AC13-dashboards", "Dashboards are there", (0, "> 0"), False))
    return result


# --- AC10


def store_answers(identity: str, what: str, answer: Sequence[Any] | BaseException) -> Record:
    """The store is there and takes the log-in: who asks for anything else of it needs that."""
    title = f"The store of the {what} answers"
    if isinstance(answer, BaseException):
        return judged(identity, title, ("no answer", "an answer"), False, detail=str(answer))
    return judged(identity, title, ("an answer", "an answer"), True)


def workload(identity: str, title: str, seen: Seen, kind: str, expected: int) -> Record:
    """All pods of the one object are ready, and as many as there should be."""
    if not seen[kind]:
        reason = seen.unread.get(kind) or "it is not there"
        return judged(identity, title, (0, expected), False, unit="pods", detail=reason)
    item = seen[kind][0]
    verdict, status = judge(item), item.get("status") or {}
    ready = int(status.get("numberReady", status.get("readyReplicas", 0)) or 0)
    own = [pod for pod in seen["pods"] if pod["metadata"]["name"].startswith(f"{item['metadata']['name']}-")]
    good = verdict.done and ready == expected
    detail = "" if good else verdict.reason or f"{ready} of {expected} are ready"
    return judged(identity, title, (ready, expected), good, objects=own, unit="pods", detail=detail)


def log_clean(seen: Seen, logs: Mapping[str, str | BaseException], now: datetime) -> Record:
    """No error in the collectors' own logs of the last minutes."""
    return log_record("AC10-log", "No error in the collectors' logs", seen, logs, now, error=ERROR_LINE)


def scraped(job: str, found: Collected, now: datetime, expected: bool) -> Record:
    """Every pod of a job gives metrics that have arrived since it started, with the label of this cluster.

    A pod that a stand-in runs may have no such endpoint: that says nothing of the platform, and is no failure.
    """
    identity, title = f"AC10-{job}.metrics", f"Metrics of {job} arrive"
    pods, every_up, every_taken = found.targets[job], found.up, found.taken
    if isinstance(pods, BaseException):
        return unmeasured(identity, title, BLOCKED, str(pods))
    if isinstance(every_up, BaseException) or isinstance(every_taken, BaseException):
        why = every_up if isinstance(every_up, BaseException) else every_taken
        return unmeasured(identity, title, BLOCKED, str(why))
    if not pods:
        return _nothing_to_scrape(identity, title, _running(found, job), expected)
    up, taken = _by_pod(
        *([each for each in every if each.labels.get("job") == job] for every in (every_up, every_taken))
    )
    trouble = {_called(pod): _missing(pod, up, taken, now) for pod in pods}
    missing = [f"{name}: {reason}" for name, reason in trouble.items() if reason]
    good, detail = len(pods) - len(missing), "; ".join(missing)
    if not good and stand_ins(pods):
        who = ", ".join(stand_ins(pods))
        return unmeasured(identity, title, BLOCKED, f"run by stand-ins ({who}), which do not answer: {detail}", pods)
    return judged(identity, title, (good, len(pods)), not missing, objects=pods, unit="pods", detail=detail)


def _nothing_to_scrape(identity: str, title: str, portless: list[Manifest] | BaseException, expected: bool) -> Record:
    """The record of a job without pods to scrape."""
    if not expected:
        return unmeasured(identity, title, SKIPPED, "no pod of this cluster is to be scraped for it")
    if stand_ins(portless):
        who = ", ".join(stand_ins(portless))
        return unmeasured(identity, title, BLOCKED, f"run by stand-ins ({who}), which have no metrics", portless)
    named = ", ".join(map(_called, portless))
    detail = f"no container declares the job's port: {named}" if portless else "no pod that runs belongs to it"
    return judged(identity, title, (0, "> 0"), False, objects=portless, unit="pods", detail=detail)


def awaited(seen: Seen, found: Collected, now: datetime) -> bool:
    """Whether what was deployed a moment ago may only not have been scraped yet."""
    # dashboards know no pods: those of another cluster may have come with the same run
    made = [_time(each["metadata"]["creationTimestamp"]) for each in seen["dashboards"]]
    empty = found.answering == [] or any(dashboard_shows(name, found).status == FAILED for name in found.panels)
    if empty and any(now - each < YOUNG for each in made):
        return True
    if isinstance(found.up, BaseException) or isinstance(found.taken, BaseException):
        return False
    up, taken = _by_pod(found.up, found.taken)
    pods = [pod for each in found.targets.values() if not isinstance(each, BaseException) for pod in each]
    late = [pod for pod in pods if _missing(pod, up, taken, now)]
    late += [pod for job, wrote in found.wrote.items() if wrote is True for pod in _running(found, job)]
    return any(now - _began(pod) < YOUNG for pod in late)


def _running(found: Collected, job: str) -> list[Manifest]:
    """The pods of a job that run, as far as they could be listed."""
    pods = found.running.get(job, [])
    return [] if isinstance(pods, BaseException) else pods


def _began(pod: Mapping[str, Any]) -> datetime:
    return _time(pod["status"]["startTime"])


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _missing(pod: Manifest, up: ByPod, taken: ByPod, now: datetime) -> str:
    key = place_of(pod)
    if key not in up:
        return "no series"
    if up[key] != 1:
        return "does not answer vmagent"
    if taken.get(key, 0.0) < max(_began(pod), now - FRESH).timestamp():
        return "nothing since it started"
    return ""


def _by_pod(every_up: list[Series], every_taken: list[Series]) -> tuple[ByPod, ByPod]:
    """Pod -> `up`, and when it was taken, of its newest series: that of a pod of this name before stays for minutes."""
    newest = {_pod(each): each for each in sorted(every_taken, key=lambda each: each.value)}
    up: ByPod = {}
    for each in every_up:
        last = newest.get(_pod(each))
        if _pod(each) not in up or (last and _labels(last) == _labels(each)):
            up[_pod(each)] = each.value
    return up, {key: each.value for key, each in newest.items()}


def _labels(series: Series) -> dict[str, str]:
    return {key: value for key, value in series.labels.items() if key != "__name__"}


def _pod(series: Series) -> tuple[str, str]:
    return series.labels.get("namespace", ""), series.labels.get("pod", "")


def _called(pod: Mapping[str, Any]) -> str:
    return f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"


def samples_labelled(values: Mapping[str, Any], found: Collected) -> Record:
    """No pod of this cluster is in the store without the label by which clusters are told apart."""
    identity, title = "AC10-label", f"Samples have the label cluster={values['obs_collectors_cluster']}"
    if isinstance(found.unlabelled, BaseException):
        return unmeasured(identity, title, BLOCKED, str(found.unlabelled))
    own = {_called(pod) for pods in found.targets.values() if not isinstance(pods, BaseException) for pod in pods}
    without = [str(each) for each in found.unlabelled if "/".join(_pod(each)) in own]
    return judged(identity, title, (len(without), 0), not without, unit="without", detail=", ".join(without[:5]))


def lines_arrive(values: Mapping[str, Any], seen: Seen, found: Collected) -> Record:
    """Lines of every node have arrived; on each there is at least Fluent Bit's own log."""
    minutes = values["obs_collectors_check_minutes"]
    identity, title = "AC10-logs", f"Logs of every node arrive, last {minutes} min"
    if isinstance(found.lines, BaseException):
        return unmeasured(identity, title, BLOCKED, str(found.lines))
    nodes = nodes_of(seen)
    if not nodes:
        return unmeasured(identity, title, BLOCKED, "no pod of Fluent Bit is on a node")
    silent = sorted(nodes - {node for node, lines in found.lines.items() if lines})
    told = f"no line of {', '.join(silent)}; " if silent else ""
    detail = f"{told}{sum(found.lines.values())} lines"
    measured = (len(nodes) - len(silent), len(nodes))
    return judged(identity, title, measured, not silent, objects=seen["pods"], unit="nodes", detail=detail)


def logged(job: str, values: Mapping[str, Any], found: Collected) -> Record:
    """Lines of a job's pods have arrived. Where none have, kubelets know whether there were any to send."""
    identity, title = f"AC10-{job}.logs", f"Logs of {job} arrive, last 24 h"
    pods, lines = found.running[job], found.pod_lines
    if isinstance(pods, BaseException):
        return unmeasured(identity, title, BLOCKED, str(pods))
    staying = values["obs_collectors_log_exclude_namespaces"]
    sent = [pod for pod in pods if pod["metadata"]["namespace"] not in staying]
    if not sent:
        reason = "the logs of its namespace stay here (obs_collectors_log_exclude_namespaces)"
        return unmeasured(identity, title, SKIPPED, reason if pods else "no pod of this cluster belongs to it")
    if isinstance(lines, BaseException):
        return unmeasured(identity, title, BLOCKED, str(lines))
    heard = {_called(pod): lines.get(place_of(pod), 0) for pod in sent}
    silent = [name for name, count in heard.items() if not count]
    wrote = found.wrote.get(job, True)
    if len(silent) == len(sent) and isinstance(wrote, BaseException):
        # a stand-in may have no log at all, which says nothing of the platform
        status = SKIPPED if stand_ins(sent) else BLOCKED
        return unmeasured(
            identity, title, status, f"no line has arrived, and its own log cannot be read: {wrote}", sent
        )
    if len(silent) == len(sent) and not wrote:
        return unmeasured(identity, title, SKIPPED, "its pods wrote nothing", sent)
    told = [f"{sum(heard.values())} lines", *([f"none of {', '.join(silent)}"] if silent else [])]
    measured = (len(sent) - len(silent), "> 0")
    return judged(identity, title, measured, len(silent) < len(sent), objects=sent, unit="pods", detail=", ".join(told))


def lines_labelled(found: Collected) -> Record:
    """No line of these nodes is in the store without the label."""
    identity, title = "AC10-logs-label", "Lines have the label cluster"
    if isinstance(found.lines_unlabelled, BaseException):
        return unmeasured(identity, title, BLOCKED, str(found.lines_unlabelled))
    good = not found.lines_unlabelled
    return judged(identity, title, (found.lines_unlabelled, 0), good, unit="lines without")


def nothing_dropped(values: Mapping[str, Any], found: Collected) -> Record:
    """Neither collector had to drop anything; what has no series was not measured."""
    minutes = values["obs_collectors_check_minutes"]
    identity, title = "AC10-dropped", f"Nothing was dropped on the way, last {minutes} min"
    unknown = {
        words: str(each) if isinstance(each, BaseException) else "no such series"
        for words, each in found.dropped.items()
        if isinstance(each, BaseException) or not each or each[0].value != each[0].value
    }
    if unknown:
        reason = "; ".join(f"{words}: {why}" for words, why in unknown.items())
        return unmeasured(identity, title, BLOCKED, f"not all can be known: {reason}")
    counts = {words: each[0].value for words, each in found.dropped.items() if not isinstance(each, BaseException)}
    lost = {words: count for words, count in counts.items() if not count < 1}
    detail = "; ".join(f"{count:.0f} {words}" for words, count in lost.items())
    return judged(identity, title, (round(sum(counts.values())), 0), not lost, detail=detail)


def cardinality(values: Mapping[str, Any], found: Collected) -> Record:
    """The cluster sends fewer series than it may."""
    identity, title = "AC10-cardinality", "Series within a day stay within their limit"
    limit = values["obs_collectors_series_per_day"]
    if not limit:
        return unmeasured(identity, title, SKIPPED, "there is no limit (obs_collectors_series_per_day)")
    if isinstance(found.series, BaseException) or not found.series:
        reason = str(found.series) if found.series else "vmagent tells no number of series"
        return unmeasured(identity, title, BLOCKED, reason)
    value = int(found.series[0].value)
    return judged(identity, title, (value, f"< {limit}"), value < limit, unit="series")


# --- AC13


def rules_there(seen: Seen, found: Collected) -> Record:
    """Alerts are on the cluster, where whoever evaluates them reads them."""
    identity, title = "AC13-rules", "Alerts are configured"
    if "rules" in seen.unread:
        return unread(identity, title, seen.unread["rules"])
    count = len(found.alerts)
    return judged(identity, title, (count, "> 0"), count > 0, unit="alerts")


def expressions_answer(seen: Seen, found: Collected) -> Record:
    """The store understands every expression of an alert or a dashboard."""
    identity, title = "AC13-expressions", "Every alert and panel can be evaluated"
    asked: list[tuple[str, list[Series] | BaseException]] = [(alert.name, each) for alert, each in found.alerts]
    asked += [(f"{name}: {panel}", each) for name, panels in found.panels.items() for panel, each in panels.items()]
    wrong = [f"{name}: {each}" for name, each in asked if isinstance(each, BaseException)]
    refused = [f"{name}: {each}" for name, each in asked if getattr(each, "status", 0) in (400, 422)]
    if wrong and not refused:
        return unmeasured(identity, title, BLOCKED, wrong[0])
    # dashboards alone are all there is to evaluate where rules are not served, not where they may not be read
    if "rules" in seen.unread and not refused and not (asked and seen.unread["rules"].startswith(NOT_SERVED)):
        return unread(identity, title, seen.unread["rules"])
    if not asked:
        return unmeasured(identity, title, SKIPPED, "there is none")
    measured = (len(asked) - len(wrong), len(asked))
    return judged(identity, title, measured, not wrong, unit="expressions", detail="; ".join(wrong[:5]))


def nothing_critical(seen: Seen, found: Collected) -> Record:
    """No critical alert's expression has held for as long as it has to; one that holds for less is named."""
    identity, title = "AC13-critical", "No critical alert fires"
    if "rules" in seen.unread:
        return unread(identity, title, seen.unread["rules"])
    if not found.alerts:
        return unmeasured(identity, title, SKIPPED, "there is no alert")
    asked = [*found.alerts, *found.firing.items()]
    unknown = [f"{alert.name}: {each}" for alert, each in asked if isinstance(each, BaseException)]
    critical = [f"{alert.name} {each}" for alert, series in found.firing.items() for each in _numbers(series)[:1]]
    holding = [alert for alert, series in found.alerts if _numbers(series)]
    pending = [alert.name for alert in holding if alert in found.firing and not _numbers(found.firing[alert])]
    warnings = [alert.name for alert in holding if alert not in found.firing]
    if unknown and not critical:
        return unmeasured(identity, title, BLOCKED, unknown[0])
    told = [*critical]
    told += [f"pending, for less than it takes: {', '.join(pending)}"] if pending else []
    told += [f"warnings: {', '.join(warnings)}"] if warnings else []
    return judged(identity, title, (len(critical), 0), not critical, unit="alerts", detail="; ".join(told))


def _numbers(series: list[Series] | BaseException) -> list[Series]:
    """Series with a value: where there is none, a comparison says nothing."""
    return [] if isinstance(series, BaseException) else [each for each in series if each.value == each.value]


def dashboard_shows(name: str, found: Collected) -> Record:
    """A dashboard has data. That a component sends none is judged where it is scraped."""
    identity, title = f"AC13-dashboard-{name}", f"Dashboard {name} shows data"
    panels: Mapping[str, list[Series] | BaseException] = found.panels[name]
    errors: Sequence[BaseException] = [each for each in panels.values() if isinstance(each, BaseException)]
    if errors:
        return unmeasured(identity, title, BLOCKED, str(errors[0]))
    empty = [panel for panel, series in panels.items() if not series]
    answering = found.answering if isinstance(found.answering, list) else []
    if len(empty) == len(panels) and name in {each.labels.get("job") for each in answering}:
        detail = f"pods of the job {name} give metrics, and none that a panel asks for"
        return judged(identity, title, (0, "> 0"), False, unit="panels", detail=detail)
    if len(empty) == len(panels):
        reason = "no series of it has arrived: AC10 says why, of the cluster that its pods are on"
        return unmeasured(identity, title, SKIPPED, reason)
    detail = f"without data now: {', '.join(empty)}" if empty else ""
    return judged(identity, title, (len(panels) - len(empty), "> 0"), True, unit="panels", detail=detail)

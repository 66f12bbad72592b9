# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Dashboards of Grafana, from a title and a few expressions, and back to the expressions.

Grafana's model: https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

SOURCE = {"type": "prometheus", "uid": "${datasource}"}
#: of Grafana's grid, which is 24 wide
WIDTH, HEIGHT = 12, 8
SCHEMA_VERSION = 39


def grafana_dashboard(given: Mapping[str, Any], uid: str) -> str:
    """The dashboard as JSON."""
    panels = [_panel(number, panel) for number, panel in enumerate(given["panels"])]
    choices = [
        {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"},
        {
            "name": "cluster",
            "type": "query",
            "label": "Cluster",
            "datasource": SOURCE,
            "query": {"query": "label_values(up, cluster)", "refId": "cluster"},
            "refresh": 1,
        },
    ]
    dashboard = {
        "uid": uid,
        "title": f"Platform: {given['title']}",
        "tags": ["platform"],
        "schemaVersion": SCHEMA_VERSION,
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "1m",
        "templating": {"list": choices},
        "panels": panels,
    }
    return json.dumps(dashboard, indent=1)


def expressions(text: str) -> dict[str, str]:
    """What a dashboard asks, of any cluster, by the titles of its panels. ValueError if it is none."""
    panels = json.loads(text)["panels"]
    return {
        panel["title"]: target["expr"].replace('="$cluster"', '!=""')
        for panel in panels
        for target in panel.get("targets") or []
    }


def _panel(number: int, panel: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel["title"],
        "datasource": SOURCE,
        "gridPos": {"x": number % 2 * WIDTH, "y": number // 2 * HEIGHT, "w": WIDTH, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel["unit"], "min": 0}, "overrides": []},
        "targets": [{"refId": "A", "datasource": SOURCE, "expr": panel["expr"]}],
    }

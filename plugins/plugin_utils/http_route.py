# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to a service that speaks HTTP, for the actions that ask one: a given address, or a port-forward."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from ansible_collections.synergyflow.platform.plugins.module_utils.bridge import Bridge, BridgeError
from ansible_collections.synergyflow.platform.plugins.module_utils.connection import kubernetes_client
from ansible_collections.synergyflow.platform.plugins.module_utils.errors import ClusterError
from ansible_collections.synergyflow.platform.plugins.module_utils.object_store import ca_file


def arguments(namespace: str, service: str, port: int, authority: str) -> dict[str, dict[str, Any]]:
    """Options of every such action, beside those of the connection to the cluster; `authority` names that for CAs."""
    return {
        "url": {"type": "str"},
        "namespace": {"type": "str", "default": namespace},
        "service": {"type": "str", "default": service},
        "port": {"type": "int", "default": port},
        "path": {"type": "str", "default": ""},
        "url_username": {"type": "str"},
        "url_password": {"type": "str", "no_log": True},
        authority: {"type": "str"},
    }


def route(args: Mapping[str, Any]) -> str:
    """How the service is reached, for people."""
    if args["url"]:
        return f"at {args['url']}"
    return f"by a port-forward to {args['service']}.{args['namespace']}.svc:{args['port']}"


@contextmanager
def reached(args: Mapping[str, Any], what: str, authority: str) -> Iterator[dict[str, Any]]:
    """Options of an HttpClient for the service that the task names, as long as the block; `what` it is, for errors."""
    if args["url_password"] is not None and args["url_username"] is None:
        raise ClusterError("url_password without url_username: give both.")
    if args[authority] and "-----BEGIN CERTIFICATE-----" not in args[authority]:
        raise ClusterError(f"{authority}: expected certificates in PEM format.")
    with ExitStack() as open_things:
        url, bridge = args["url"], None
        if not url:
            try:
                bridge = Bridge(kubernetes_client(args))
                name = f"{args['service']}.{args['namespace']}.svc"
                host, port = open_things.enter_context(bridge.forward(name, args["port"]))
            except BridgeError as error:
                raise ClusterError(f"{what} cannot be reached: {error}.") from error
            url = f"http://{host}:{port}/{args['path'].strip('/')}"
        yield {
            "url": url,
            "user": args["url_username"],
            "password": args["url_password"],
            "ca_file": open_things.enter_context(ca_file(args[authority] or "")),
            "name": route(args),
            "explain": lambda: bridge.errors[-1].sentence if bridge and bridge.errors else None,
        }

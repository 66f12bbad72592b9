# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Schema Registry of Confluent goes with which Kafka: it is a client of the brokers, like any other.

Sources:
- Kafka of each release: Confluent's "Supported Versions and Interoperability".
- Kafka 4.0 and newer serve clients of 2.1 and newer alone, and clients of 4.0 need brokers of 2.1 (KIP-896).
"""

from __future__ import annotations

from .strimzi_versions import numbers

#: Confluent Platform -> the Kafka whose client it carries
CLIENTS = {
    "5.0": "2.0", "5.1": "2.1", "5.2": "2.2", "5.3": "2.3", "5.4": "2.4", "5.5": "2.5", "6.0": "2.6", "6.1": "2.7",
    "6.2": "2.8", "7.0": "3.0", "7.1": "3.1", "7.2": "3.2", "7.3": "3.3", "7.4": "3.4", "7.5": "3.5", "7.6": "3.6",
    "7.7": "3.7", "7.8": "3.8", "7.9": "3.9", "8.0": "4.0", "8.1": "4.1",
}  # fmt: skip
#: what KIP-896 dropped: protocol versions from before Kafka 2.1
OLDEST = (2, 1)
NEW_PROTOCOL = (4, 0)


def client_of(registry: str) -> str | None:
    """The Kafka whose client a release of the registry carries; None for one that the table does not know."""
    return CLIENTS.get(".".join(registry.split(".")[:2]))


def pair_problem(registry: str, kafka: str) -> str | None:
    """Why this registry cannot use this Kafka; None if it can, or is not in the table."""
    client = client_of(registry)
    if client is None:
        return None
    theirs, ours = numbers(kafka)[:2], numbers(client)
    if theirs >= NEW_PROTOCOL and ours < OLDEST:
        first = next(release for release, kept in CLIENTS.items() if numbers(kept) >= OLDEST)
        return (
            f"Schema Registry {registry} has the client of Kafka {client}, and Kafka {kafka} serves clients of 2.1 and "
            f"newer alone: take Schema Registry {first} or newer"
        )
    if ours >= NEW_PROTOCOL and theirs < OLDEST:
        return f"Schema Registry {registry} has the client of Kafka {client}, which needs brokers of 2.1 or newer"
    return None


def unlisted(registry: str) -> str | None:
    """What to say of a release that the table does not know; None if it does."""
    if client_of(registry):
        return None
    return f"Schema Registry {registry} is not in the collection's table: whether it goes with the Kafka is not checked"

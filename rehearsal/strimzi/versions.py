# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""The Strimzi versions the rehearsal can stand in for, and the Kafka versions each of them supports.

Source: `kafka-versions.yaml` at each tag of strimzi/strimzi-kafka-operator (version, default, metadata).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Generation:
    """One Strimzi version: what it supports, and in which of its two shapes it works."""

    version: str
    api: str  # version of the custom resources it reads and writes
    kafka: dict[str, str]  # supported Kafka version -> its metadata version
    default_kafka: str
    artifacts: str  # version of the Maven artifacts that its custom resource definitions are generated from

    @property
    def needs_kraft_annotations(self) -> bool:
        """Before 0.46 a Kafka is a ZooKeeper one unless both annotations say otherwise."""
        return self.release < (0, 46)

    @property
    def pem_secrets(self) -> bool:
        """Brokers read PEM certificates by a config provider from Secrets, one a node (the Secrets since 0.46)."""
        return self.release >= (0, 46)

    @property
    def rack_affinity(self) -> bool:
        """Up to 0.48 `rack` makes the pods require a node that has the topology key."""
        return self.release < (0, 49)

    @staticmethod
    def advertises_controllers(kafka: str) -> bool:
        """Kafka before 3.9 refuses its controller listener among the advertised ones."""
        return tuple(int(part) for part in kafka.split(".")) >= (3, 9)

    @property
    def reads_server_version_strictly(self) -> bool:
        """0.45's Kubernetes client refuses a /version with fields it does not know (`emulationMajor`)."""
        return self.release < (0, 46)

    @property
    def release(self) -> tuple[int, ...]:
        """The version as numbers, to compare."""
        return tuple(int(part) for part in self.version.split("."))


GENERATIONS = {
    generation.version: generation
    for generation in (
        Generation(
            version="0.45.2",
            api="v1beta2",
            kafka={
                "3.8.0": "3.8-IV0",
                "3.8.1": "3.8-IV0",
                "3.9.0": "3.9-IV0",
                "3.9.1": "3.9-IV0",
                "3.9.2": "3.9-IV0",
            },
            default_kafka="3.9.2",
            artifacts="0.45.0",  # 0.45.1 and 0.45.2 are not to be had; their API is that of 0.45.0
        ),
        Generation(
            version="1.2.0",
            api="v1",
            kafka={"4.2.0": "4.2-IV1", "4.2.1": "4.2-IV1", "4.3.0": "4.3-IV0", "4.3.1": "4.3-IV0"},
            default_kafka="4.3.1",
            artifacts="1.2.0",
        ),
    )
}


def generation(version: str) -> Generation:
    """The generation of that Strimzi version; ValueError names those there are."""
    try:
        return GENERATIONS[version]
    except KeyError:
        raise ValueError(f"no stand-in for Strimzi {version}: there are {', '.join(GENERATIONS)}") from None

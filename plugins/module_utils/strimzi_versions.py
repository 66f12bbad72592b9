# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Strimzi goes with which Kafka, which API versions it serves, and which Kubernetes it runs on.

Sources, all of strimzi/strimzi-kafka-operator:
- Kafka versions: `kafka-versions.yaml` at each release's tag.
- API versions: the CRDs of each release (`v1` arrived in 0.49, `v1beta2` left in 1.0).
- oldest Kubernetes: CHANGELOG.md of 0.43 and 0.44, pull requests 11498 (0.48) and 12343 (0.51).
- the `/version` field that stops releases before 0.46: issues 11386 and 11456.
"""

from __future__ import annotations

from dataclasses import dataclass

V1BETA2_ONLY = ("v1beta2",)
BOTH = ("v1", "v1beta2")
V1_ONLY = ("v1",)


@dataclass(frozen=True)
class Release:
    """What one Strimzi release, or every patch of a minor one, supports."""

    kafka: tuple[str, ...]
    apis: tuple[str, ...]
    oldest_kubernetes: tuple[int, int]


# A key with two numbers stands for every patch release of it; one with three for that release alone.
RELEASES: dict[str, Release] = {
    "0.43": Release(("3.7.0", "3.7.1", "3.8.0"), V1BETA2_ONLY, (1, 23)),
    "0.44": Release(("3.7.0", "3.7.1", "3.8.0"), V1BETA2_ONLY, (1, 25)),
    "0.45.0": Release(("3.8.0", "3.8.1", "3.9.0"), V1BETA2_ONLY, (1, 25)),
    "0.45.1": Release(("3.8.0", "3.8.1", "3.9.0", "3.9.1"), V1BETA2_ONLY, (1, 25)),
    "0.45.2": Release(("3.8.0", "3.8.1", "3.9.0", "3.9.1", "3.9.2"), V1BETA2_ONLY, (1, 25)),
    "0.46": Release(("3.9.0", "4.0.0"), V1BETA2_ONLY, (1, 25)),
    "0.47": Release(("3.9.0", "3.9.1", "4.0.0"), V1BETA2_ONLY, (1, 25)),
    "0.48": Release(("4.0.0", "4.1.0"), V1BETA2_ONLY, (1, 27)),
    "0.49": Release(("4.0.0", "4.0.1", "4.1.0", "4.1.1"), BOTH, (1, 27)),
    "0.50": Release(("4.0.0", "4.0.1", "4.1.0", "4.1.1"), BOTH, (1, 27)),
    "0.51": Release(("4.1.0", "4.1.1", "4.2.0"), BOTH, (1, 30)),
    "1.0": Release(("4.1.0", "4.1.1", "4.1.2", "4.2.0"), V1_ONLY, (1, 30)),
    "1.1": Release(("4.2.0", "4.2.1", "4.3.0"), V1_ONLY, (1, 30)),
    "1.2": Release(("4.2.0", "4.2.1", "4.3.0", "4.3.1"), V1_ONLY, (1, 30)),
}

# Before it, Kafka without ZooKeeper wants two annotations, and the operator reads /version strictly.
KRAFT_BY_DEFAULT = (0, 46)
# From it, `rack` no longer makes the operator add any affinity.
RACK_WITHOUT_AFFINITY = (0, 49)


def numbers(version: str) -> tuple[int, ...]:
    """`0.45.2` as (0, 45, 2); ValueError for anything but numbers with dots."""
    return tuple(int(part) for part in str(version).split("."))


def is_version(version: object) -> bool:
    """True for three numbers with dots, the form that Strimzi's and Kafka's releases have."""
    try:
        return len(numbers(str(version))) == 3
    except ValueError:
        return False


def release_of(strimzi: str) -> Release | None:
    """What the table says of a Strimzi release; None if it does not know it."""
    return RELEASES.get(strimzi) or RELEASES.get(".".join(strimzi.split(".")[:2]))


def supporting(kafka: str) -> list[str]:
    """The Strimzi releases that support a Kafka version, oldest first."""
    return [name for name, release in RELEASES.items() if kafka in release.kafka]


def unlisted(strimzi: str) -> str | None:
    """The sentence to say of a Strimzi release that the table does not know; None if it does."""
    if release_of(strimzi):
        return None
    return f"Strimzi {strimzi} is not in the collection's table, which has {', '.join(RELEASES)}"


def pair_problem(strimzi: str, kafka: str) -> str | None:
    """Why this Strimzi cannot run this Kafka, with the pairs that work; None if it can or is not listed."""
    release = release_of(strimzi)
    if release is None or kafka in release.kafka:
        return None
    others = supporting(kafka)
    elsewhere = f"Kafka {kafka} runs under Strimzi {', '.join(others)}" if others else f"no listed Strimzi runs {kafka}"
    return (
        f"Kafka {kafka} does not run under Strimzi {strimzi}. Pairs that work: "
        f"Strimzi {strimzi} runs Kafka {', '.join(release.kafka)}; {elsewhere}"
    )


def api_problem(strimzi: str, served: list[str]) -> str | None:
    """Why the API versions that the cluster serves do not fit the Strimzi release; None if they do."""
    release = release_of(strimzi)
    if release is None or set(release.apis) & set(served):
        return None
    return (
        f"the cluster serves Kafka as kafka.strimzi.io/{', '.join(served)}, "
        f"Strimzi {strimzi} works with {', '.join(release.apis)}"
    )


def api_version(strimzi: str, served: list[str]) -> str:
    """The API version to write: the newest that the cluster serves and the release knows."""
    release = release_of(strimzi)
    known = release.apis if release else (V1BETA2_ONLY if numbers(strimzi) < RACK_WITHOUT_AFFINITY else V1_ONLY)
    usable = [version for version in known if version in served] if served else list(known)
    return usable[0] if usable else known[0]


def kubernetes_problem(strimzi: str, major: int, minor: int) -> str | None:
    """Why this Strimzi is not for this Kubernetes; None if it is or is not listed."""
    release = release_of(strimzi)
    if release is None or (major, minor) >= release.oldest_kubernetes:
        return None
    oldest = ".".join(map(str, release.oldest_kubernetes))
    return f"Strimzi {strimzi} needs Kubernetes {oldest} or newer, the cluster is {major}.{minor}"


def reads_version_strictly(strimzi: str) -> bool:
    """True for releases that do not start on a Kubernetes whose /version has emulationMajor (1.33 and newer).

    Setting STRIMZI_KUBERNETES_VERSION in the operator's environment helps.
    """
    return numbers(strimzi) < KRAFT_BY_DEFAULT


def needs_kraft_annotations(strimzi: str) -> bool:
    """True for releases that take a Kafka for a ZooKeeper one unless two annotations say otherwise."""
    return numbers(strimzi) < KRAFT_BY_DEFAULT

# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In which order kinds are applied; pruning goes the other way round."""

from __future__ import annotations

from .objects import Key

NAMESPACES = 0
DEFINITIONS = 10
#: before the Secrets: Kubernetes deletes the Secret of a token whose account it has not seen
ACCOUNTS = 15
#: what others refer to
FOUNDATIONS = 20
#: what refers to foundations and stands before workloads
CONNECTIONS = 30
WORKLOADS = 40
#: what makes the API server call a workload
HOOKS = 50
#: custom resources that another one is refused without
PARTS = 55
CUSTOM = 60
#: custom resources that live inside another one: a topic in its Kafka, a database in its cluster
INNER = 70

ORDER: dict[int, set[str]] = {
    NAMESPACES: {"Namespace"},
    DEFINITIONS: {"CustomResourceDefinition.apiextensions.k8s.io"},
    ACCOUNTS: {"ServiceAccount"},
    FOUNDATIONS: {
        "ClusterRole.rbac.authorization.k8s.io",
        "ConfigMap",
        "IngressClass.networking.k8s.io",
        "LimitRange",
        "PriorityClass.scheduling.k8s.io",
        "ResourceQuota",
        "Role.rbac.authorization.k8s.io",
        "RuntimeClass.node.k8s.io",
        "Secret",
        "StorageClass.storage.k8s.io",
    },
    WORKLOADS: {
        "CronJob.batch",
        "DaemonSet.apps",
        "Deployment.apps",
        "HorizontalPodAutoscaler.autoscaling",
        "Job.batch",
        "Pod",
        "ReplicaSet.apps",
        "ReplicationController",
        "StatefulSet.apps",
    },
    HOOKS: {
        "APIService.apiregistration.k8s.io",
        "MutatingAdmissionPolicy.admissionregistration.k8s.io",
        "MutatingWebhookConfiguration.admissionregistration.k8s.io",
        "ValidatingAdmissionPolicy.admissionregistration.k8s.io",
        "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io",
        "ValidatingWebhookConfiguration.admissionregistration.k8s.io",
    },
    PARTS: {"KafkaNodePool.kafka.strimzi.io"},  # an operator that sees its Kafka first calls it invalid
    INNER: {
        "Backup.postgresql.cnpg.io",
        "Database.postgresql.cnpg.io",
        "KafkaConnector.kafka.strimzi.io",
        "KafkaTopic.kafka.strimzi.io",
        "KafkaUser.kafka.strimzi.io",
        "Pooler.postgresql.cnpg.io",
        "ScheduledBackup.postgresql.cnpg.io",
    },
}
WAVE_OF = {group_kind: wave for wave, kinds in ORDER.items() for group_kind in kinds}


def wave_of(key: Key) -> int:
    """The wave a kind is applied in. Objects of one wave are applied together."""
    known = WAVE_OF.get(key.group_kind)
    if known is not None:
        return known
    # Kubernetes' own groups have no dot, or end in k8s.io; everybody else's are custom resources
    return CONNECTIONS if "." not in key.group or key.group.endswith(".k8s.io") else CUSTOM

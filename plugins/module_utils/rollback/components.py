# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rollback of each component is about, as data: its sets, what operators made of them, what stays, what breaks.

Names and labels of what operators make: Strimzi's (cluster-operator module, ModelUtils and Labels), CloudNativePG's
(pkg/utils/labels_annotations.go), VolSync's (controllers/utils/labels.go). Recovery times are those of the plan.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..component_objects import (
    CNPG,
    CNPG_OPERATOR,
    OPERATOR,
    OPERATOR_NAME,
    STRIMZI,
    VOLSYNC,
    VOLSYNC_OPERATOR,
    Wanted,
)
from ..objects import Key

Values = Mapping[str, Any]
Set = tuple[str, str]


@dataclass(frozen=True)
class Component:
    """One rollback."""

    #: as the plan numbers it; "" for those that it has not
    number: str
    title: str
    when: str
    #: minutes that the plan allows for the recovery; (0, 0) where it names none
    minutes: tuple[int, int]
    #: the sets, (namespace, name), in the order in which they go
    sets: Callable[[Values], list[Set]]
    #: what operators and controllers make for it, which has to go with it
    made: Callable[[Values], list[Wanted]]
    #: claims that outlive it
    claims: Callable[[Values], list[Wanted]] = lambda values: []
    #: other components that break, or go on without what looks after them, each with a word about it
    dependants: Mapping[str, str] = field(default_factory=dict)
    #: whether they stay ready all the same
    dependants_go_on: bool = False
    #: objects that need it; those that are not of its own sets are said, with this word about them
    needed_by: Callable[[Values], list[Wanted]] = lambda values: []
    needed_word: str = "go on, and nobody looks after them"
    #: kinds (as in `kubectl get`) that go after all others of their set, and after its pods
    last: tuple[str, ...] = ()
    #: members of the sets that the rollback is not about
    spared: Callable[[Key], bool] = lambda key: False
    #: HelmReleases are forgotten, so that nothing is uninstalled
    forget_releases: bool = False
    #: its deletion destroys the data, whatever is kept
    always_loses: bool = False
    #: the variable that says whether a last backup of its data is taken; "" when no rollback takes one
    last_backup: str = ""
    lost: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    #: what its claims hold, where they are kept
    in_claims: str = ""
    #: where its backups are, and stay
    backups: str = ""
    #: commands to look with; their namespaces and names are variables of the role
    verify: tuple[str, ...] = ()
    back: str = "Run site.yml."

    def kept_backups(self, values: Values) -> list[str]:
        """What of backups stays; where none are taken, there may be none."""
        if not self.backups:
            return []
        taken = not self.last_backup or values[self.last_backup]
        return [self.backups if taken else f"{self.backups}: if there are any, as {self.last_backup} is false"]


def _kafka_made(values: Values) -> list[Wanted]:
    namespace, own = values["kafka_cluster_namespace"], f"strimzi.io/cluster={values['kafka_cluster_name']}"
    kinds = [
        ("core.strimzi.io", "StrimziPodSet"),
        ("apps", "Deployment"),
        ("", "Pod"),
        ("", "Service"),
        ("", "ConfigMap"),
        ("", "Secret"),
        ("", "ServiceAccount"),
        ("policy", "PodDisruptionBudget"),
        ("networking.k8s.io", "NetworkPolicy"),
        ("rbac.authorization.k8s.io", "RoleBinding"),
    ]
    return [Wanted(group, kind, namespace, own) for group, kind in kinds] + [
        # cluster-wide, so nothing collects it: the running operator alone takes it away
        Wanted(
            "rbac.authorization.k8s.io",
            "ClusterRoleBinding",
            name=f"strimzi-{namespace}-{values['kafka_cluster_name']}-kafka-init",
        )
    ]


def _kafka_needed_by(values: Values) -> list[Wanted]:
    namespace, own = values["kafka_cluster_namespace"], f"strimzi.io/cluster={values['kafka_cluster_name']}"
    kinds = ("KafkaTopic", "KafkaUser", "KafkaConnect", "KafkaMirrorMaker2", "KafkaBridge")
    return [Wanted(STRIMZI, kind, namespace, own) for kind in kinds]


def _labelled(role: str, *labels: tuple[str, str, str]) -> Callable[[Values], list[Wanted]]:
    """Lists in the namespace of a role: group, kind, selector."""
    return lambda values: [Wanted(group, kind, values[f"{role}_namespace"], own) for group, kind, own in labels]


def _workloads(role: str, own: str) -> Callable[[Values], list[Wanted]]:
    return _labelled(role, ("apps", "Deployment", own), ("apps", "ReplicaSet", own), ("", "Pod", own))


def _cnpg_sets(values: Values) -> list[Set]:
    found = [(values["cnpg_namespace"], f"cnpg-{values['cnpg_name']}")]
    if values["cnpg_install_method"] != "existing":
        found.append((values["cnpg_operator_namespace"], "cloudnative-pg"))
    return found


def _cnpg_made(values: Values) -> list[Wanted]:
    namespace, own = values["cnpg_namespace"], f"cnpg.io/cluster={values['cnpg_name']}"
    found = [Wanted("", kind, namespace, own) for kind in ("Pod", "PersistentVolumeClaim", "Service", "Secret")]
    found.append(Wanted("batch", "Job", namespace, own))
    if values["cnpg_install_method"] != "existing":
        found.append(Wanted("apps", "Deployment", values["cnpg_operator_namespace"], CNPG_OPERATOR))
    return found


def _volsync_made(values: Values) -> list[Wanted]:
    if values["volsync_install_method"] == "existing":
        return []
    namespace = values["volsync_namespace"]
    return [
        Wanted("apps", "Deployment", namespace, VOLSYNC_OPERATOR),
        Wanted("", "Pod", namespace, VOLSYNC_OPERATOR),
    ]


COMPONENTS: dict[str, Component] = {
    "flux": Component(
        "R1",
        "Flux's management of itself",
        "Flux's HelmRelease flux-instance fails or does harm: Flux is to run as it is, without changing itself.",
        (5, 10),
        lambda values: [(values["flux_namespace"], "flux")],
        lambda values: [],
        spared=lambda key: key.name != "flux-instance",
        forget_releases=True,
        kept=(
            "flux-operator, the FluxInstance and every controller: Flux goes on as it is",
            "Helm's own record of the release, which a later run takes up again",
            "Kustomizations and image automations",
        ),
        verify=("kubectl get fluxinstance,kustomization,gitrepository -A",),
        back="Run site.yml: with flux_self_managed the HelmRelease is there again; without it Flux stays as it is.",
    ),
    "obs_collectors": Component(
        "R2",
        "Collectors",
        "The collectors overload the stores or the nodes: too many lines, too many series.",
        (5, 5),
        lambda values: [(values["obs_collectors_namespace"], "obs-collectors")],
        _labelled(
            "obs_collectors",
            ("apps", "DaemonSet", "app.kubernetes.io/part-of=obs-collectors"),
            ("apps", "StatefulSet", "app.kubernetes.io/part-of=obs-collectors"),
            ("", "Pod", "app.kubernetes.io/part-of=obs-collectors"),
        ),
        _labelled("obs_collectors", ("", "PersistentVolumeClaim", "app.kubernetes.io/name=vmagent")),
        lost=("logs and metrics from now on are not collected; alerts on them are silent",),
        kept=("what the stores have",),
        in_claims="samples that vmagent has not delivered yet",
        verify=("kubectl get daemonset,statefulset,pod -n {obs_collectors_namespace}",),
    ),
    "schema_registry": Component(
        "R3",
        "Schema Registry",
        "The registry fails or does not go together with Kafka.",
        (5, 5),
        lambda values: [(values["schema_registry_namespace"], "schema-registry")],
        _workloads("schema_registry", "app.kubernetes.io/name=schema-registry"),
        dependants={"synergyflow_backend": "cannot register or look up schemas"},
        last=("KafkaTopic.kafka.strimzi.io",),
        kept=("the schemas, in the topic of the registry",),
        verify=(
            "kubectl get deployment,service,pod -n {schema_registry_namespace}"
            " -l app.kubernetes.io/name=schema-registry",
        ),
        back="Run site.yml: the registry reads its schemas from the topic again.",
    ),
    "kafka_cluster": Component(
        "R4",
        "Kafka cluster",
        "The Kafka cluster fails in a way that Strimzi cannot mend, or was deployed wrongly.",
        (15, 20),
        lambda values: [(values["kafka_cluster_namespace"], f"kafka-cluster-{values['kafka_cluster_name']}")],
        _kafka_made,
        lambda values: [
            Wanted(
                "",
                "PersistentVolumeClaim",
                values["kafka_cluster_namespace"],
                f"strimzi.io/cluster={values['kafka_cluster_name']},strimzi.io/component-type=kafka",
            )
        ],
        dependants={
            "schema_registry": "has nowhere to keep its schemas until Kafka is back",
            "synergyflow_backend": "can neither send nor read events",
        },
        needed_by=_kafka_needed_by,
        needed_word="stay, and wait for its return",
        lost=(
            "passwords that Strimzi made for KafkaUsers, and the cluster's certificate authorities: who logs in has to"
            " take the new ones",
        ),
        verify=(
            "kubectl get kafka -n {kafka_cluster_namespace}",
            "kubectl get kafkatopic,pod,pvc -n {kafka_cluster_namespace} -l strimzi.io/cluster={kafka_cluster_name}",
        ),
        back="Run site.yml: over kept claims the Kafka gets its old identity, and the brokers their messages.",
    ),
    "strimzi": Component(
        "R5",
        "Strimzi",
        "The operator does harm: a release that does not go with Kubernetes, or with the Kafka that runs.",
        (10, 15),
        lambda values: [(values["strimzi_namespace"], "strimzi")],
        lambda values: [
            Wanted("apps", "Deployment", values["strimzi_namespace"], name=OPERATOR_NAME),
            Wanted("", "Pod", values["strimzi_namespace"], OPERATOR),
        ],
        dependants={
            "kafka_cluster": "its brokers go on; nobody replaces a pod that dies, or renews a certificate",
            "schema_registry": "goes on with the brokers",
            "synergyflow_backend": "goes on with the brokers",
        },
        dependants_go_on=True,
        needed_by=lambda values: [Wanted(STRIMZI, kind) for kind in ("Kafka", "KafkaConnect", "KafkaMirrorMaker2")],
        kept=("the definitions (CRDs), and with them every Kafka, topic and user", "the namespace"),
        verify=(
            "kubectl get deployment strimzi-cluster-operator -n {strimzi_namespace}",
            "kubectl get crd | grep strimzi",
        ),
    ),
    "volsync": Component(
        "R6",
        "VolSync",
        "Backups fail, or what they need of the S3 store is not to be had.",
        (5, 10),
        lambda values: [
            (values["volsync_namespace"], "volsync-sources"),
            *([(values["volsync_namespace"], "volsync")] if values["volsync_install_method"] != "existing" else []),
        ],
        _volsync_made,
        needed_by=lambda values: [Wanted(VOLSYNC, kind) for kind in ("ReplicationSource", "ReplicationDestination")],
        lost=("no volume is backed up until VolSync is back",),
        kept=("every backup in S3, and the volumes themselves", "the definitions (CRDs)"),
        verify=("kubectl get replicationsource,replicationdestination -A",),
        back="Run site.yml: the sources go on in the repositories that they had.",
    ),
    "cnpg": Component(
        "",
        "PostgreSQL",
        "The database cluster was deployed wrongly, and what it holds may go or is backed up.",
        (0, 0),
        _cnpg_sets,
        _cnpg_made,
        dependants={"synergyflow_backend": "has no database"},
        needed_by=lambda values: [Wanted(CNPG, "Cluster")] if values["cnpg_install_method"] != "existing" else [],
        always_loses=True,
        last_backup="cnpg_backup",
        # until its last pod is gone, it archives
        last=("ObjectStore.barmancloud.cnpg.io", "ExternalSecret.external-secrets.io", "Secret"),
        backups="backups in S3, in the folder that it archived into, where no retention removes them any more",
        verify=(
            "kubectl get clusters.postgresql.cnpg.io -n {cnpg_namespace}",
            "kubectl get pod,pvc -n {cnpg_namespace} -l cnpg.io/cluster={cnpg_name}",
        ),
        back=(
            "Run site.yml with cnpg_recover_from, the folder of the store that it archived into (its cnpg_server_name,"
            " or its name), and cnpg_server_name, a folder that nobody has used, as in -e cnpg_recover_from="
            "synergyflow-db -e cnpg_server_name=synergyflow-db-2: it has again what was archived, up to the last backup"
            " at least. Keep both in the inventory. A large one takes longer than cnpg_ready_timeout. With"
            " cnpg_server_name alone it begins empty."
        ),
    ),
    "synergyflow_backend": Component(
        "",
        "Backend",
        "The application fails after a deployment.",
        (0, 0),
        lambda values: [(values["synergyflow_backend_namespace"], values["synergyflow_backend_name"])],
        lambda values: _workloads(
            "synergyflow_backend", f"app.kubernetes.io/name={values['synergyflow_backend_name']}"
        )(values),
        kept=("the database and everything in it", "topics and messages"),
        verify=("kubectl get deployment,pod -n {synergyflow_backend_namespace}",),
    ),
}

#: minutes that the plan allows for all of them
ALL_MINUTES = (30, 45)


def allowed(names: Iterable[str]) -> str:
    """The time that the plan allows for several rollbacks, in words; "" where it names none."""
    every = [COMPONENTS[name].minutes for name in names]
    low, high = (min(sum(each[end] for each in every), ALL_MINUTES[end]) for end in (0, 1))
    return f"{low if low == high else f'{low} to {high}'} minutes" if high else ""


#: kinds that a rollback leaves: others may live in them, or be of their kind
STAYING = {
    "Namespace": "others may live in it",
    "CustomResourceDefinition.apiextensions.k8s.io": "with it every object of its kind would go",
}


@dataclass(frozen=True)
class Keeper:
    """Who takes a finalizer away."""

    who: str
    #: the Deployment that has to run; "" where its name is not certain, or Kubernetes does it itself
    deployment: str = ""
    #: whether the finalizer may be taken away in its place
    replaceable: bool = True


_FLUX = {
    "helm-controller": ("HelmRelease",),
    "kustomize-controller": ("Kustomization",),
    "source-controller": ("GitRepository", "HelmRepository", "HelmChart", "OCIRepository", "Bucket"),
    "image-reflector-controller": ("ImageRepository", "ImagePolicy"),
    "image-automation-controller": ("ImageUpdateAutomation",),
    "notification-controller": ("Alert", "Provider", "Receiver"),
}
#: (kind, finalizer) -> who; kind "" for any
KEEPERS: dict[tuple[str, str], Keeper] = {
    **{
        (kind, "finalizers.fluxcd.io"): Keeper(f"Flux' {controller}", controller)
        for controller, kinds in _FLUX.items()
        for kind in kinds
    },
    ("KafkaTopic", "strimzi.io/topic-operator"): Keeper("Strimzi's topic operator", "entity-operator"),
    ("", "kubernetes.io/pvc-protection"): Keeper("Kubernetes, when no pod uses the claim any more", "", False),
    ("", "foregroundDeletion"): Keeper("Kubernetes' garbage collector", "", False),
    ("", "kubernetes"): Keeper("Kubernetes, when the namespace is empty", "", False),
}
UNKNOWN = Keeper("a controller that is not known here; its name may say which, and the object's events what it does")


def keeper(kind: str, finalizer: str) -> Keeper:
    """Who takes a finalizer away from objects of a kind."""
    return KEEPERS.get((kind, finalizer)) or KEEPERS.get(("", finalizer)) or UNKNOWN


def set_names(role: str, task_values: Values) -> set[str]:
    """Names that the sets of a component can have, as far as they are known without its own variables."""
    if role == "kafka_cluster":
        return {f"kafka-cluster-{task_values.get('kafka_cluster_name', 'synergyflow')}"}
    if role == "synergyflow_backend":
        return {str(task_values.get("synergyflow_backend_name", "synergyflow-backend"))}
    return {"schema_registry": {"schema-registry"}}.get(role, set())

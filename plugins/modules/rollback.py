#!/usr/bin/python
# Copyright: (c) 2026, synergyflow.platform contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rollback
short_description: Undo a component, step by step, resumable at any point
version_added: 0.1.0
author:
  - synergyflow.platform contributors (@synergyflow)
description:
  - Takes a component of the platform off a cluster, and nothing else. What it was made of is found by its sets, which
    M(synergyflow.platform.apply_set) has recorded; what operators have made of it by their labels.
  - Steps, each a task of its own. V(plan) reads the cluster and says what would be deleted, what stays, what
    breaks, what is lost, and which data dies. V(begin) refuses what must not be, wants the confirmation, and opens the
    journal. V(withdraw) and V(resume) are about what Git delivers, and do nothing about what it does not. V(delete)
    deletes in order and waits. V(prove) compares everything else with how it was, and closes the
    journal. V(confirm) asks once for what several rollbacks then take as O(confirm).
  - The journal is the ConfigMap C(synergyflow-rollback), one for a cluster. It is the lock against other rollbacks, and
    holds the plan. After a crash the same steps go on with that plan; a run that is alive is not disturbed. Where
    objects of the component were made since, there is a new plan, which takes the place of the old one when it is
    confirmed.
  - Claims are kept, namespaces and definitions stay. The topics of a Kafka that goes are let go of first
    (C(strimzi.io/managed)), and its claims remember its cluster id, for M(synergyflow.platform.kafka_reattach).
  - What M(synergyflow.platform.publish) has brought by Git is found by its Kustomizations. V(withdraw) suspends them,
    and what depends on them, then takes the component's files and Kustomizations out of the repository by a commit, and
    reverts what people have changed by the commits of O(revert). After V(delete), V(resume) has every source follow
    that commit, waits until Flux has taken the Kustomizations away, and resumes the others in the order of
    C(dependsOn). What others had suspended stays so.
  - Where components are delivered by Git, or the cluster's first Kustomization is there, V(plan) looks into the
    repository too. What it has and Flux has not brought yet, or what was deleted under it, is withdrawn as well. A
    repository that does not answer is an error; where components are delivered directly, the plan says that it is not
    known.
  - What Flux applies for others is not deleted. It would come back, so that the plan is refused, with the name of the
    Kustomization.
notes:
  - Reads all sets of the cluster, and needs C(list) on their kinds and on C(configmaps) in all namespaces; C(delete) on
    the kinds of the component; C(get), C(create), C(update) and C(delete) on the journal; for what Git delivers also
    C(patch) on Flux's C(kustomizations) and C(gitrepositories).
  - For what Git delivers the variables of the role C(flux) say which repository it is, and C(platform_git_username) and
    C(platform_git_password) are a log-in that may push, if Flux's own may not. The program C(git) has to be there.
  - Deletes objects by their UID, so that one that was made anew meanwhile is not touched.
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - synergyflow.platform.attributes
attributes:
  check_mode:
    support: full
    details: Says what would be deleted, warns of what a run would refuse, and asks for no confirmation.
  diff_mode:
    support: none
    details: The plan as text says kinds and the first names of each; as data it has every object.
  idempotent:
    support: full
options:
  step:
    description: Which step.
    type: str
    choices: [plan, confirm, begin, withdraw, delete, resume, prove]
    required: true
  component:
    description: Which component. Without it that of the role in which the task stands.
    type: str
    choices: [cnpg, flux, kafka_cluster, obs_collectors, schema_registry, strimzi, synergyflow_backend, volsync]
  plan:
    description: For V(begin), the plan that was shown.
    type: dict
  confirm:
    description: For V(begin) and V(confirm), the phrase that confirms. When empty, it is asked for at the terminal.
    type: str
    default: ""
  components:
    description: For V(confirm), what goes by it, to be said with the time allowed for all of it.
    type: list
    elements: str
    choices: [cnpg, flux, kafka_cluster, obs_collectors, schema_registry, strimzi, synergyflow_backend, volsync]
    default: []
  phrase:
    description: What O(confirm) has to be. Empty means C(<component>@<host>).
    type: str
    default: ""
  delete_claims:
    description: For V(plan), whether the component's claims are deleted as well, with the data on them.
    type: bool
    default: false
  without_backup:
    description:
      - For V(plan), the components whose data may die without a last backup; one name, several with commas, or a list.
        V(true) means this component, and counts where O(phrase) is empty; another phrase confirms others with it.
    type: raw
    default: false
  revert:
    description:
      - For V(plan), a commit, or two as C(<after>..<up to>), by their hashes. What people have changed by them is
        reverted together with taking the component out of Git. Files that the collection keeps are not reverted. What
        is so already takes no commit; a conflict ends the plan. Refused where nothing of the component is there to go.
    type: str
    default: ""
  take_over:
    description: For V(begin), whether to go on in the place of a run that seems to be alive.
    type: bool
    default: false
  remove_finalizers:
    description:
      - For V(delete), finalizers that may be taken off objects which are being deleted, when their own controller has
        not done so within 20 seconds. What that controller would have cleaned up is then left to you.
    type: list
    elements: str
    default: []
  journal_namespace:
    description: Namespace of the journal. The same for all rollbacks of a cluster.
    type: str
    default: default
  timeout:
    description: Seconds that the step may take.
    type: int
    default: 600
seealso:
  - module: synergyflow.platform.kafka_reattach
"""

EXAMPLES = r"""
- name: Plan
  synergyflow.platform.rollback:
    step: plan
    component: schema_registry
  register: planned

- name: Say what would happen
  ansible.builtin.debug:
    msg: "{{ planned.text }}"

- name: Ask, and lock the cluster against other rollbacks
  synergyflow.platform.rollback:
    step: begin
    component: schema_registry
    plan: "{{ planned.plan }}"
    confirm: schema_registry@apps

- name: Suspend what brings it from Git, and take it out there
  synergyflow.platform.rollback:
    step: withdraw
    component: schema_registry

- name: Delete, each group gone before the next
  synergyflow.platform.rollback:
    step: delete
    component: schema_registry

- name: Have Flux go on without it
  synergyflow.platform.rollback:
    step: resume
    component: schema_registry

- name: Prove that it is gone, and nothing else
  synergyflow.platform.rollback:
    step: prove
    component: schema_registry
"""

RETURN = r"""
text:
  description: The plan for people; with V(confirm) what goes, and the time allowed.
  type: str
  returned: with O(step=plan) and O(step=confirm)
plan:
  description: The plan as data, for the next step.
  type: dict
  returned: with O(step=plan)
pending:
  description: Whether there is anything to do.
  type: bool
  returned: with O(step=plan) and O(step=begin)
destroys_data:
  description: Whether data dies that is there still, its object not being deleted yet.
  type: bool
  returned: with O(step=plan)
last_backup:
  description: Whether a last backup is to be taken before V(delete), as data dies that is there still.
  type: bool
  returned: with O(step=plan)
unnamed:
  description: Whether data dies, and O(without_backup) does not say whose backup it is about.
  type: bool
  returned: with O(step=plan)
give_up:
  description: What ends the rollback as it is, and what is then for people to take back.
  type: str
  returned: with O(step=withdraw) and O(step=resume), not in check mode
phrase:
  description: What confirms the plan.
  type: str
  returned: with O(step=plan)
  sample: kafka_cluster@apps
begun:
  description: The steps that an earlier run has begun.
  type: list
  elements: str
  returned: with O(step=plan) and O(step=begin)
problem:
  description:
    - What a run would refuse, "" for nothing. Not that the rollback of another component is unfinished, which may be
      finished before this one.
  type: str
  returned: with O(step=begin), in check mode, when there is anything to do or to refuse
confirmed:
  description: The phrase that was given.
  type: str
  returned: with O(step=confirm)
suspended:
  description: What was suspended by this run.
  type: list
  elements: str
  returned: with O(step=withdraw), of what Git delivers, not in check mode
files:
  description: The files that were changed and removed in Git.
  type: dict
  returned: with O(step=withdraw), of what Git delivers, not in check mode
revision:
  description: What Git is at without the component.
  type: str
  returned: with O(step=withdraw) and O(step=resume), of what Git delivers, not in check mode
  sample: main@sha1:0e5a9b1c7f2d4e6a8b0c1d3f5a7b9c2d4e6f8a01
resumed:
  description: What goes on again.
  type: list
  elements: str
  returned: with O(step=resume), of what Git delivers, not in check mode
deleted:
  description: The objects that were there and are gone now.
  type: list
  elements: str
  returned: with O(step=delete), not in check mode
forced:
  description: Objects whose finalizers were taken away.
  type: list
  elements: str
  returned: with O(step=delete), not in check mode
seconds:
  description: How long the step took, earlier runs included.
  type: float
  returned: with O(step=delete), not in check mode
waited:
  description: How much of it was waiting for the cluster, from the request for a deletion on.
  type: float
  returned: with O(step=delete), not in check mode
done:
  description: Whether the step is done.
  type: bool
  returned: with O(step=delete), not in check mode
report:
  description: Time per step, what to look at, and the way back.
  type: str
  returned: with O(step=prove), not in check mode
steps:
  description: Seconds per step.
  type: dict
  returned: with O(step=prove), not in check mode
others:
  description: How many other objects were compared with how they were.
  type: int
  returned: with O(step=prove), not in check mode
differences:
  description: What of them is not as it was. The task fails, and the rollback is over all the same.
  type: list
  elements: str
  returned: with O(step=prove), not in check mode
msg:
  description: What went wrong.
  type: str
  returned: failure, and where a step does nothing
"""

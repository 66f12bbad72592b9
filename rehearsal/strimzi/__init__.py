# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Stand-ins for Strimzi's three operators, and the manifests that install them.

No registry has Strimzi's operator jars, so these programs make from the custom resources what the real ones make: the
names, labels, Secrets, pods and status, failures included. What they make says so by the label `STAND_IN`.
The border to the rest of the rehearsal is the Kubernetes API alone; the real operator can take their place.

Where they differ from the real ones, knowingly:

- a changed broker setting always restarts the brokers; the real operator sets what Kafka can take while it runs
- certificates are made once and kept: no renewal, no `strimzi.io/force-renew`, no custom CAs
- listeners inside the cluster only; no Kafka Exporter, no tiered storage, no rebalance, no change of the Kafka version
  in steps (a new version is one roll), no check of what a smaller pool still holds
- Cruise Control's Deployment is made, but nothing runs in it
- a refused Kafka is looked at again after 10 s, not at the next full reconciliation
- they reach the brokers by port-forward, for which they hold a right that the real ones do not ask for
"""

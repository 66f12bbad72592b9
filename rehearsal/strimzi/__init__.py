# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""Stand-ins for Strimzi's three operators, and the manifests that install them.

No registry has Strimzi's operator jars, so these programs make from the custom resources what the real ones make: the
names, labels, Secrets, pods and status, failures included. What they make says so by the label `STAND_IN_LABEL`.
The border to the rest of the rehearsal is the Kubernetes API alone; the real operator can take their place.
"""

STAND_IN_LABEL = "synergyflow.platform/stand-in"

# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""PostgreSQL by CloudNativePG: its own operator, its own instance manager, run without containers.

Upstream's program is compiled with the replacements of `go/cloudnative-pg/replacements.toml`: paths of the container
get a prefix, servers listen on one loopback address per instance, in-cluster names lead there.
"""

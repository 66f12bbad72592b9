# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright: (c) 2026, synergyflow.platform contributors
"""A stand-in for External Secrets, whose program can be built from no registry: Secrets from ExternalSecrets.

Behaviour, words and names are those of external-secrets v1.3.2 (`pkg/controllers/externalsecret`, `…/secretstore`).
It runs as a pod of its own with its own rights; values come from a file (`rehearsal.vault`) instead of a Vault.

Where it differs from the real one, knowingly:

- every provider but Vault is refused, and every Vault but the one that the file stands for cannot be reached
- `data` and `dataFrom.extract` alone: no `find`, no generators, no rewrite, no decoding, no targets but Secrets
- of Go's templates it knows values (`{{ .password }}`) and the functions b64enc, b64dec, toString, quote, trim, upper,
  lower; anything else is an error of the template
- there is no admission webhook; PushSecrets and ClusterExternalSecrets are not served at all
"""

NAME = "external-secrets"
NAMESPACE = "external-secrets-system"
IMAGE = "ghcr.io/external-secrets/external-secrets:v1.3.2"

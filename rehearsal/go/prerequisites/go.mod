module synergyflow.platform/rehearsal/prerequisites

go 1.26.0

require (
	github.com/external-secrets/external-secrets v1.3.2
	github.com/kubernetes-csi/external-snapshotter/client/v8 v8.4.0
	github.com/prometheus-operator/prometheus-operator v0.85.0
)

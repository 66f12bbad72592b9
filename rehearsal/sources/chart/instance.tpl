{{- /* The FluxInstance of the values, without what they leave empty. */}}
{{- $spec := dict }}
{{- range $key, $value := .Values.instance }}
{{- if kindIs "map" $value }}
{{- $own := dict }}
{{- range $name, $each := $value }}{{ if not (or (kindIs "invalid" $each) (eq (toString $each) "")) }}{{ $_ := set $own $name $each }}{{ end }}{{ end }}
{{- if and $own (or (ne $key "sync") $own.url) }}{{ $_ := set $spec $key $own }}{{ end }}
{{- else if or $value (kindIs "bool" $value) }}
{{- $_ := set $spec $key $value }}
{{- end }}
{{- end }}
apiVersion: fluxcd.controlplane.io/v1
kind: FluxInstance
metadata:
  name: {{ .Values.fullnameOverride }}
  namespace: {{ .Release.Namespace }}
  labels:
    app.kubernetes.io/name: flux-instance
    app.kubernetes.io/managed-by: {{ .Release.Service }}
    app.kubernetes.io/instance: {{ .Release.Name }}
    synergyflow.platform/stand-in: flux-instance-chart
    {{- with .Values.commonLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.commonAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec: {{ toJson $spec }}

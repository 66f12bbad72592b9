{{- /* Every object of the manifests that this chart is made from, in the release's namespace and with the values set. */}}
{{- $values := .Values }}
{{- range (.Files.Get "objects.json" | replace "@namespace@" .Release.Namespace | fromJsonArray) }}
{{- if eq .kind "Deployment" }}
{{- $container := index .spec.template.spec.containers 0 }}
{{- $set := list }}
{{- range $values.extraEnvs }}{{ $set = append $set .name }}{{ end }}
{{- $environment := list }}
{{- range $container.env }}{{ if not (has .name $set) }}{{ $environment = append $environment . }}{{ end }}{{ end }}
{{- $_ := set $container "env" (concat $environment $values.extraEnvs) }}
{{- with $values.securityContext }}{{ $_ := set $container "securityContext" . }}{{ end }}
{{- with $values.image.tag }}
{{- $_ := set $container "image" (regexReplaceAll ":[^:/]+$" $container.image (printf ":%s" .)) }}
{{- end }}
{{- end }}
---
{{ toJson . }}
{{- end }}

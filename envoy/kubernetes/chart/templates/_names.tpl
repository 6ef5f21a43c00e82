{{/* The name that all objects begin with. */}}
{{- define "portolan.name" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* By what the Service and all rules find the pods that serve; nothing else may have all of these. */}}
{{- define "portolan.selector" -}}
app.kubernetes.io/name: portolan
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: front
{{- end -}}

{{/* By what the nodes of the cache are found, likewise. */}}
{{- define "portolan.cacheSelector" -}}
app.kubernetes.io/name: portolan
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/component: cache
{{- end -}}

{{/* The labels of an object; call with a list: the root, and the component that the object belongs to. */}}
{{- define "portolan.labels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: portolan
app.kubernetes.io/instance: {{ $root.Release.Name | quote }}
app.kubernetes.io/component: {{ index . 1 }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- with $root.Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Which image; call with a list: the root, and the values of the image. */}}
{{- define "portolan.image" -}}
{{- $root := index . 0 -}}
{{- with index . 1 -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $root.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "portolan.serviceAccount" -}}
{{ .Values.serviceAccount.name | default (include "portolan.name" .) }}
{{- end -}}

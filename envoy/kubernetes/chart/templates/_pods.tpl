{{/* What Pod Security's level `restricted` asks of a pod, and more. User 101 is the image's. */}}
{{- define "portolan.podSecurity" -}}
runAsNonRoot: true
runAsUser: 101
runAsGroup: 101
fsGroup: 101
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "portolan.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* Which image a container has, and how it is secured. */}}
{{- define "portolan.container" -}}
image: {{ include "portolan.image" (list . .Values.image) | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- include "portolan.containerSecurity" . | nindent 2 }}
{{- end -}}

{{/* What the policy and Envoy read: mounts. */}}
{{- define "portolan.mounts" -}}
- {name: policy, mountPath: /etc/portolan/policy, readOnly: true}
- {name: run, mountPath: /run/portolan}
- {name: tmp, mountPath: /tmp}
{{- if include "portolan.tlsSecret" . }}
- {name: tls, mountPath: /etc/portolan/tls, readOnly: true}
{{- end }}
{{- if include "portolan.cacheTLSSecret" . }}
- {name: cache-tls, mountPath: /etc/portolan/cache, readOnly: true}
{{- end }}
{{- range $index, $secret := .Values.secrets }}
- {name: secret-{{ $index }}, mountPath: {{ $secret.mountPath | quote }}, readOnly: true}
{{- end }}
{{- if .Values.geo.enabled }}
- {name: geo, mountPath: {{ dir .Values.geo.database | quote }}, readOnly: true}
{{- end }}
{{- range .Values.volumeMounts }}
- {{ merge (deepCopy .) (dict "readOnly" true) | toYaml | nindent 2 | trim }}
{{- end }}
{{- end -}}

{{- define "portolan.volumes" -}}
- name: policy
  configMap: {name: {{ include "portolan.policyName" . }}}
# What is rendered of the policy; it names secrets and holds none.
- name: run
  emptyDir: {medium: Memory, sizeLimit: 256Mi}
- name: tmp
  emptyDir: {medium: Memory, sizeLimit: 64Mi}
{{- with include "portolan.tlsSecret" . }}
- name: tls
  secret: {secretName: {{ . | quote }}, defaultMode: 0440}
{{- end }}
{{- with include "portolan.cacheTLSSecret" . }}
- name: cache-tls
  secret: {secretName: {{ . | quote }}, defaultMode: 0440}
{{- end }}
{{- range $index, $secret := .Values.secrets }}
- name: secret-{{ $index }}
  secret: {secretName: {{ $secret.secretName | quote }}, defaultMode: 0440}
{{- end }}
{{- if .Values.geo.enabled }}
- name: geo
  persistentVolumeClaim: {claimName: {{ include "portolan.geoClaim" . | quote }}, readOnly: true}
{{- end }}
{{- with .Values.volumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The options of `portolan serve` for the pods. */}}
{{- define "portolan.serveOptions" -}}
{{- $options := list "--listen" (printf "%s:8080" .Values.listenAddress) "--max-connections" (.Values.envoy.maxConnections | int | toString) -}}
{{- if .Values.metrics.enabled -}}
{{- $options = concat $options (list "--metrics" (printf "%s:%d" .Values.listenAddress (.Values.metrics.port | int))) -}}
{{- end -}}
{{- if .Values.cache.enabled -}}
{{- $options = concat $options (list "--cache-fill" (printf "%s:8081" .Values.listenAddress)) -}}
{{- end -}}
{{- $options = concat $options (list "--drain-grace" (.Values.drain.grace | toString) "--drain-timeout" (.Values.drain.timeout | toString)) -}}
{{- toYaml (concat $options .Values.serveOptions) -}}
{{- end -}}

{{/* How the kubelet sees that a node of the cache is well. With TLS it has no certificate to show: a command asks at the port that is the pod's own. */}}
{{- define "portolan.cacheProbe" -}}
{{- if include "portolan.cacheTLSSecret" . -}}
exec: {command: [/usr/local/bin/portolan, cache, status, "http://127.0.0.1:8301"]}
{{- else -}}
httpGet: {port: cache, path: /v2/, httpHeaders: [{name: Host, value: cache.internal}]}
{{- end -}}
{{- end -}}

{{/* Spread over nodes and zones where nothing else is said; a cluster without zones has one. */}}
{{- define "portolan.topologySpread" -}}
{{- if .Values.topologySpreadConstraints -}}
{{ toYaml .Values.topologySpreadConstraints }}
{{- else -}}
{{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
- maxSkew: 1
  topologyKey: {{ . }}
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "portolan.selector" $ | nindent 6 }}
{{- end }}
{{- end -}}
{{- end -}}

{{- define "portolan.geoClaim" -}}
{{ .Values.geo.existingClaim | default (printf "%s-geo" (include "portolan.name" .)) }}
{{- end -}}

{{/* Where the pods run. */}}
{{- define "portolan.placement" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* What the pods of `helm test` have in common. */}}
{{- define "portolan.testPod" -}}
restartPolicy: Never
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- include "portolan.podSecurity" . | nindent 2 }}
{{- with include "portolan.placement" . | trim }}{{ . | nindent 0 }}{{ end }}
{{- end -}}

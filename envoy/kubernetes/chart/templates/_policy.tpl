{{/* The policy as a mapping, whether it is given as one or as a text; empty where it is in a ConfigMap of its own. */}}
{{- define "portolan.givenPolicy" -}}
{{- $policy := .Values.policy | default dict -}}
{{- if kindIs "string" $policy -}}
{{- $policy = fromYaml $policy -}}
{{- if hasKey $policy "Error" -}}
{{- fail (printf "policy is not YAML: %s; `portolan check` says where" $policy.Error) -}}
{{- end -}}
{{- end -}}
{{- if and $policy .Values.existingPolicy -}}
{{- fail "policy and existingPolicy are both given: write one of them" -}}
{{- end -}}
{{- if not (or $policy .Values.existingPolicy) -}}
{{- fail "there is no policy: give one by --set-file policy=portolan.yaml, write it below `policy` in your values, or name a ConfigMap in existingPolicy" -}}
{{- end -}}
{{- toJson $policy -}}
{{- end -}}

{{/* The Secret with the certificate of the fronts; empty if there is none. */}}
{{- define "portolan.tlsSecret" -}}
{{- with .Values.tls -}}
{{- if and .secretName .certManager.enabled -}}
{{- .secretName -}}
{{- else if .certManager.enabled -}}
{{- printf "%s-tls" (include "portolan.name" $) -}}
{{- else -}}
{{- .secretName -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The Secret with the certificate of the cache; empty if its nodes speak HTTP. */}}
{{- define "portolan.cacheTLSSecret" -}}
{{- if .Values.cache.enabled -}}
{{- with .Values.cache.tls -}}
{{- if .secretName -}}
{{- .secretName -}}
{{- else if .certManager.enabled -}}
{{- printf "%s-cache-tls" (include "portolan.name" $) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* How nodes of the cache are asked, and how they ask. */}}
{{- define "portolan.cacheScheme" -}}
{{- if include "portolan.cacheTLSSecret" . -}}https{{- else -}}http{{- end -}}
{{- end -}}

{{/* Whether clients come by TLS: "true" or nothing. */}}
{{- define "portolan.hasTLS" -}}
{{- $found := include "portolan.tlsSecret" . -}}
{{- range (include "portolan.givenPolicy" . | fromJson).fronts -}}
{{- if .tls -}}{{- $found = "yes" -}}{{- end -}}
{{- end -}}
{{- if $found -}}true{{- end -}}
{{- end -}}

{{/*
The policy as it is mounted: with the certificate of `tls` for fronts that have none, the place of the database, the networks of
this cluster in its region, and the nodes of the cache.
*/}}
{{- define "portolan.policy" -}}
{{- $policy := include "portolan.givenPolicy" . | fromJson -}}
{{- if include "portolan.tlsSecret" . -}}
{{- range $name, $front := $policy.fronts -}}
{{- if not $front.tls -}}
{{- $_ := set $front "tls" (dict "certificate_file" "/etc/portolan/tls/tls.crt" "key_file" "/etc/portolan/tls/tls.key") -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.geo.enabled (dig "clients" "geo" "database" "" $policy) -}}
{{- $_ := set $policy.clients.geo "database" .Values.geo.database -}}
{{- end -}}
{{- with .Values.region -}}
{{- if .name -}}
{{- if not (hasKey ($policy.regions | default dict) .name) -}}
{{- fail (printf "region.name is %q, and the policy has no such region: %s" .name (keys ($policy.regions | default dict) | sortAlpha | join ", ")) -}}
{{- end -}}
{{- $region := index $policy.regions .name -}}
{{- $_ := set $region "networks" (concat ($region.networks | default list) .networks | uniq) -}}
{{- end -}}
{{- end -}}
{{- if .Values.cache.enabled -}}
{{- $caches := $policy.caches | default dict -}}
{{- $cache := get $caches .Values.cache.name | default dict -}}
{{- if or $cache.nodes $cache.fill_from -}}
{{- fail (printf "caches.%s of the policy has `nodes` or `fill_from`, which cache.enabled adds: leave them out there" .Values.cache.name) -}}
{{- end -}}
{{- if $cache.tls -}}
{{- fail (printf "caches.%s of the policy has `tls`, which cache.tls adds: leave it out there, and name the Secret in cache.tls.secretName" .Values.cache.name) -}}
{{- end -}}
{{- if include "portolan.cacheTLSSecret" . -}}
{{- $_ := set $cache "tls" (dict "ca_file" "/etc/portolan/cache/ca.crt" "certificate_file" "/etc/portolan/cache/tls.crt" "key_file" "/etc/portolan/cache/tls.key") -}}
{{- end -}}
{{- $_ := set $cache "nodes" (include "portolan.cacheNodes" . | fromYamlArray) -}}
{{- $_ := set $cache "fill_from" (include "portolan.podNetworks" . | fromYamlArray) -}}
{{- $_ := set $caches .Values.cache.name $cache -}}
{{- $_ := set $policy "caches" $caches -}}
{{- end -}}
{{- toYaml $policy -}}
{{- end -}}

{{/* The hosts of the nodes of the cache. Their names stay when their addresses change. */}}
{{- define "portolan.cacheHosts" -}}
{{- $name := printf "%s-cache" (include "portolan.name" .) -}}
{{- range $index := until (int .Values.cache.nodes) }}
- {{ printf "%s-%d.%s.%s.svc" $name (add1 $index) $name $.Release.Namespace }}
{{- end -}}
{{- end -}}

{{/* The host of the Service where nodes are filled. */}}
{{- define "portolan.fillHost" -}}
{{- printf "%s-fill.%s.svc" (include "portolan.name" .) .Release.Namespace -}}
{{- end -}}

{{/* The URLs of the nodes of the cache. */}}
{{- define "portolan.cacheNodes" -}}
{{- range $host := include "portolan.cacheHosts" . | fromYamlArray }}
- {{ printf "%s://%s:8300" (include "portolan.cacheScheme" $) $host }}
{{- end -}}
{{- end -}}

{{/* Where the nodes of the cache ask from. */}}
{{- define "portolan.podNetworks" -}}
{{- $networks := .Values.cache.podNetworks | default .Values.region.networks -}}
{{- if not $networks -}}
{{- fail "cache.podNetworks is empty, and so is region.networks: write the networks of the cluster's pods, from which the nodes of the cache ask to be filled" -}}
{{- end -}}
{{- toYaml $networks -}}
{{- end -}}

{{/* Whether the mounted policy differs from the given one. */}}
{{- define "portolan.policyIsChanged" -}}
{{- if or (include "portolan.tlsSecret" .) .Values.geo.enabled .Values.region.name .Values.cache.enabled -}}true{{- end -}}
{{- end -}}

{{/* The files of the ConfigMap. A text that nothing has to be added to stays as it is, with its comments. */}}
{{- define "portolan.policyFiles" -}}
portolan.yaml: |
{{- if and (kindIs "string" .Values.policy) (not (include "portolan.policyIsChanged" .)) }}
{{ .Values.policy | indent 2 }}
{{- else }}
{{ include "portolan.policy" . | indent 2 }}
{{- end }}
{{- range $name, $text := .Values.networkFiles }}
{{ $name }}: |
{{ $text | indent 2 }}
{{- end }}
{{- end -}}

{{/* The ConfigMap with the policy. */}}
{{- define "portolan.policyName" -}}
{{ .Values.existingPolicy | default (printf "%s-policy" (include "portolan.name" .)) }}
{{- end -}}

{{/* Names in the certificate of cert-manager: the hosts of all fronts, without ports, unless told. */}}
{{- define "portolan.dnsNames" -}}
{{- $names := .Values.tls.certManager.dnsNames -}}
{{- if not $names -}}
{{- $names = list -}}
{{- range (include "portolan.givenPolicy" . | fromJson).fronts -}}
{{- range .hosts -}}{{- $names = append $names (regexReplaceAll ":[0-9]+$" . "") -}}{{- end -}}
{{- range .upstreams -}}{{- range .hosts -}}{{- $names = append $names (regexReplaceAll ":[0-9]+$" . "") -}}{{- end -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- if not $names -}}
{{- fail "tls.certManager.dnsNames is empty, and the policy is not here to take the hosts of its fronts from" -}}
{{- end -}}
{{- toYaml ($names | uniq | sortAlpha) -}}
{{- end -}}

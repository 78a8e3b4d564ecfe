{{/* Names, labels, and what all pods share. */}}

{{- define "smallpool.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "smallpool.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "smallpool.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "smallpool.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "smallpool.selector" -}}
app.kubernetes.io/name: {{ include "smallpool.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "smallpool.labels" -}}
{{ include "smallpool.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "smallpool.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end -}}

{{- define "smallpool.settings" -}}
wiring = "distributed"

[elasticsearch]
url = {{ .Values.elasticsearch.url | toJson }}
prefix = {{ .Values.elasticsearch.prefix | toJson }}
shards = {{ int .Values.elasticsearch.shards }}
replicas = {{ int .Values.elasticsearch.replicas }}

[kafka]
bootstrap = {{ .Values.kafka.bootstrap | toJson }}
partitions = {{ int .Values.kafka.partitions }}
replication = {{ int .Values.kafka.replication }}
security = {{ .Values.kafka.security | toJson }}

[redis]
url = {{ .Values.redis.url | toJson }}
cluster = {{ .Values.redis.cluster }}
{{- with .Values.extraSettings }}

{{ . }}
{{- end }}
{{ end -}}

{{/* No rights, no root, nothing writable but what is mounted. */}}
{{- define "smallpool.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "smallpool.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "smallpool.environment" -}}
envFrom:
  - secretRef:
      name: {{ .Values.existingSecret }}
{{- end -}}

{{- define "smallpool.placement" -}}
{{- with .nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

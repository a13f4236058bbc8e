{{- define "rrtf.labels" -}}
app.kubernetes.io/name: rrtf
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- end }}

{{- define "rrtf.selector" -}}
app.kubernetes.io/name: rrtf
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{- define "rrtf.meta" -}}
name: {{ .root.Release.Name }}-{{ .name }}
labels: {{- include "rrtf.labels" . | nindent 2 }}
{{- end }}

{{- define "rrtf.image" -}}
{{ required "image.registry must be given" .root.Values.image.registry }}/{{ .room }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{- /* A variable whose value is a key of a Secret. */}}
{{- define "rrtf.secret" -}}
- name: {{ .variable }}
  valueFrom: {secretKeyRef: {name: {{ .from.name }}, key: {{ .from.key }}}}
{{- end }}

{{- define "rrtf.database" -}}
{{ include "rrtf.secret" (dict "variable" "DATABASE_URL" "from" .Values.secrets.database) }}
{{- end }}

{{- define "rrtf.redis" -}}
{{ include "rrtf.secret" (dict "variable" "REDIS_URL" "from" .Values.secrets.redis) }}
{{- end }}

{{- define "rrtf.executorRedis" -}}
{{ include "rrtf.secret" (dict "variable" "REDIS_URL" "from" (.Values.secrets.executorRedis | default .Values.secrets.redis)) }}
{{- end }}

{{- /* Plain variables: of all processes, then of this one. */}}
{{- define "rrtf.env" -}}
{{- range $name, $value := merge (dict) .own .root.Values.env }}
- {name: {{ $name }}, value: {{ $value | quote }}}
{{- end }}
{{- end }}

{{- define "rrtf.metricsKey" -}}
{{- with .Values.secrets.metricsKey }}
{{ include "rrtf.secret" (dict "variable" "RRTF_METRICS_KEY" "from" .) }}
{{- end }}
{{- end }}

{{- define "rrtf.processEnv" -}}
- {name: RRTF_HEALTH_FILE, value: /tmp/well}
- {name: RRTF_METRICS_HOST, value: "0.0.0.0"}
- {name: RRTF_METRICS_PORT, value: {{ .Values.metrics.port | quote }}}
{{- include "rrtf.metricsKey" . }}
{{- end }}

{{- define "rrtf.podAnnotations" -}}
{{- if not .root.Values.metrics.podMonitor }}
annotations:
  prometheus.io/scrape: "true"
  prometheus.io/port: {{ .port | quote }}
{{- end }}
{{- end }}

{{- /* Which series of Prometheus are this release's: those of its pods. */}}
{{- define "rrtf.series" -}}
namespace="{{ .Release.Namespace }}",pod=~"{{ .Release.Name }}-.+"
{{- end }}

{{- /* What every pod gives up. */}}
{{- define "rrtf.pod" -}}
serviceAccountName: {{ .Release.Name }}-rrtf
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "rrtf.nonRoot" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "rrtf.confined" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{- /* A process touches this file at each round or heartbeat; one that answers and does none is of
no use. A shell's `find` costs milliseconds, where an interpreter takes half a second. */}}
{{- define "rrtf.health" -}}
startupProbe:
  exec: {command: &well [sh, -c, "find /tmp/well -mmin -5 | grep -q ."]}
  periodSeconds: 5
  failureThreshold: 120
livenessProbe:
  exec: {command: *well}
  periodSeconds: 60
  timeoutSeconds: 10
{{- end }}

package assess_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"

	"sigs.k8s.io/yaml"

	deploy "github.com/sevenfold-sec/sevenfold/deploy/kubernetes"
	"github.com/sevenfold-sec/sevenfold/gate/admission"
)

// chart is where the Helm chart lies.
var chart = filepath.Join("..", "deploy", "helm", "sevenfold-gate")

// templateOf is a manifest as the chart has it.
func templateOf(name, text string) string {
	more := "{{- range .Values.controllers }}, '{{ . }}'{{ end }}"
	all := admission.ControllersExpression(admission.DefaultControllers())
	out := strings.NewReplacer(
		all, strings.TrimSuffix(all, "]")+more+"]",
		"sevenfold-system", "{{ .Release.Namespace }}",
		"image: sevenfold:devel", "image: {{ .Values.image | toJson }}",
		"replicas: 2\n", "replicas: {{ .Values.replicas }}\n",
		"--cluster, default,", "--cluster, {{ .Values.cluster | toJson }}, --pilot, \"{{ .Values.pilot }}\", --pilots, \"{{ .Values.pilots }}\",{{ range .Values.controllers }} --controller, {{ . | toJson }},{{ end }}"+
			"{{ if .Values.certManager.enabled }} --tls-cert, /etc/sevenfold/tls/tls.crt, --tls-key, /etc/sevenfold/tls/tls.key,{{ end }}",
		", --key, /etc/sevenfold/key/key.pub]", "{{ if .Values.keyConfigMap }}, --key, /etc/sevenfold/key/key.pub{{ end }}"+
			"{{ if .Values.signers }}, --trusted-root, /etc/sevenfold/trusted-root/trusted_root.json{{ end }}"+
			`{{ range .Values.signers }}, --identity, {{ required "each of signers needs an identity" .identity | toJson }}, --issuer, {{ required "each of signers needs an issuer" .issuer | toJson }}{{ end }}]`,
		"        - {name: key, mountPath: /etc/sevenfold/key, readOnly: true}\n", "{{- if .Values.keyConfigMap }}\n        - {name: key, mountPath: /etc/sevenfold/key, readOnly: true}\n{{- end }}\n"+
			"{{- if .Values.signers }}\n        - {name: trusted-root, mountPath: /etc/sevenfold/trusted-root, readOnly: true}\n{{- end }}\n{{- if .Values.certManager.enabled }}\n        - {name: tls, mountPath: /etc/sevenfold/tls, readOnly: true}\n{{- end }}\n",
		"      - {name: key, configMap: {name: sevenfold-key}}\n", "{{- if .Values.keyConfigMap }}\n      - {name: key, configMap: {name: {{ .Values.keyConfigMap }} }}\n{{- end }}\n"+
			"{{- if .Values.signers }}\n      - {name: trusted-root, configMap: {name: {{ .Values.trustedRootConfigMap }} }}\n{{- end }}\n{{- if .Values.certManager.enabled }}\n      - {name: tls, secret: {secretName: sevenfold-gate-tls}}\n{{- end }}\n",
		"    service: {namespace: sevenfold-system, name: sevenfold-gate, path: /admit, port: 443}\n",
		"    {{ if .Values.url }}url: {{ .Values.url | toJson }}{{ else }}service: {namespace: {{ .Release.Namespace }}, name: sevenfold-gate, path: /admit, port: 443}{{ end }}\n",
		"configMap: {name: sevenfold-certificates,", "configMap: {name: {{ .Values.certificatesConfigMap }},",
		"kind: ValidatingWebhookConfiguration\nmetadata:\n  name: sevenfold-gate\n", "kind: ValidatingWebhookConfiguration\nmetadata:\n  name: sevenfold-gate\n{{- if and .Values.certManager.enabled (not .Values.url) }}\n  annotations: {cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/sevenfold-gate}\n{{- end }}\n",
	).Replace(text)
	switch {
	case strings.HasPrefix(name, "00-"): // helm install --create-namespace makes it
		_, out, _ = strings.Cut(out, "---\n")
	case strings.HasPrefix(name, "50-"):
		// Who serves at a URL of their own runs the gate themselves.
		out = `{{- if not .Values.url }}
{{- if not (or .Values.keyConfigMap .Values.signers) }}
{{- fail "nobody's certificates would count: set keyConfigMap, or signers with trustedRootConfigMap" }}
{{- end }}
{{- if and .Values.signers (not .Values.trustedRootConfigMap) }}
{{- fail "signers are held against a trusted root: set trustedRootConfigMap to the configuration map with trusted_root.json" }}
{{- end }}
` + strings.TrimRight(out, "\n") + `
{{- if .Values.certManager.enabled }}
---
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: {name: sevenfold-gate, namespace: {{ .Release.Namespace }} }
spec: {selfSigned: {}}
---
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: sevenfold-gate, namespace: {{ .Release.Namespace }} }
spec:
  secretName: sevenfold-gate-tls
  dnsNames: [sevenfold-gate.{{ .Release.Namespace }}.svc, sevenfold-gate.{{ .Release.Namespace }}.svc.cluster.local]
  issuerRef: {name: sevenfold-gate, kind: Issuer}
{{- end }}
{{- end }}
`
	}
	return out
}

// The chart is made of the manifests as they are, and its templates, filled in
// with its own values by the engine Helm uses (text/template), are the manifests
// again, object for object. The chart uses nothing of Helm's beyond .Values,
// .Release.Namespace, toJson, required and fail.
func TestHelmChart(t *testing.T) {
	files, err := fs.Glob(deploy.FS, "*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var plain, other map[string]any
	if err := yaml.Unmarshal(text, &plain); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &other); err != nil {
		t.Fatal(err)
	}
	other["certManager"] = map[string]any{"enabled": true}
	other["controllers"] = []any{"system:serviceaccount:ml:operator"}
	outside := maps.Clone(plain)
	outside["url"] = "https://gate.example:9443/admit"
	signers := maps.Clone(plain)
	signers["keyConfigMap"], signers["trustedRootConfigMap"] = "", "roots"
	signers["signers"] = []any{map[string]any{"identity": "release@example.com", "issuer": "https://i.example"}}
	made := map[string]bool{}
	for _, name := range files {
		raw, err := fs.ReadFile(deploy.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		path, want := filepath.Join(chart, "templates", name), templateOf(name, string(raw))
		if strings.HasPrefix(name, "10-") {
			path, want = filepath.Join(chart, "crds", name), string(raw)
		}
		made[path] = true
		if *updateManifests {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil || string(got) != want {
			t.Errorf("%s is not made from deploy/kubernetes/%s as it is (%v): go test ./assess -run 'TestGateManifests|TestHelmChart' -update", path, name, err)
			continue
		}
		if strings.HasPrefix(name, "10-") {
			continue
		}
		have := objects(t, render(t, path, plain))
		wanted := objects(t, string(raw))
		if strings.HasPrefix(name, "00-") {
			wanted = wanted[1:]
		}
		for i := range max(len(have), len(wanted)) {
			if i >= len(have) || i >= len(wanted) || have[i] != wanted[i] {
				if strings.HasPrefix(name, "50-") && i < len(have) && i < len(wanted) && strings.ReplaceAll(have[i], `"--pilot","1","--pilots","5",`, "") == wanted[i] {
					continue
				}
				t.Errorf("%s: object %d is another than that of the manifest", path, i)
			}
		}
		switch away := render(t, path, outside); {
		case strings.HasPrefix(name, "50-") && strings.Trim(away, "\n") != "":
			t.Errorf("%s: a gate outside the cluster is run inside too:\n%s", path, away)
		case strings.HasPrefix(name, "40-") && (strings.Contains(away, "service: {namespace") || !strings.Contains(away, `url: "https://gate.example:9443/admit"`)):
			t.Errorf("%s: a gate outside the cluster is not called there", path)
		}
		if strings.HasPrefix(name, "50-") {
			keyless := render(t, path, signers)
			objects(t, keyless)
			for words, want := range map[string]bool{`--trusted-root, /etc/sevenfold/trusted-root/trusted_root.json, --identity, "release@example.com", --issuer, "https://i.example"]`: true,
				"configMap: {name: roots }": true, "--key,": false, "name: key,": false} {
				if strings.Contains(keyless, words) != want {
					t.Errorf("%s where only keyless signers count: %q is %v", path, words, !want)
				}
			}
		}
		whole := render(t, path, other)
		objects(t, whole)
		for words, in := range map[string]string{"cert-manager.io/inject-ca-from: sevenfold-system/sevenfold-gate": "40-", "--tls-cert": "50-", "kind: Certificate": "50-",
			`--controller, "system:serviceaccount:ml:operator"`: "50-", ", 'system:serviceaccount:ml:operator']": "30-"} {
			if strings.HasPrefix(name, in) && !strings.Contains(whole, words) {
				t.Errorf("%s with cert-manager and a controller lacks %q", path, words)
			}
		}
	}
	have, err := filepath.Glob(filepath.Join(chart, "*", "*"))
	if err != nil || len(have) != len(made) || slices.ContainsFunc(have, func(p string) bool { return !made[p] }) {
		t.Errorf("the chart has %q, made are %d (%v)", have, len(made), err)
	}
}

// render fills in a template as Helm does.
func render(t *testing.T, path string, values map[string]any) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := template.New(path).Option("missingkey=error").Funcs(template.FuncMap{"toJson": func(v any) (string, error) {
		b, err := json.Marshal(v)
		return string(b), err
	}, "required": func(why string, v any) (any, error) {
		if v == nil || v == "" {
			return nil, errors.New(why)
		}
		return v, nil
	}, "fail": func(why string) (string, error) { return "", errors.New(why) }}).Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := parsed.Execute(&out, map[string]any{"Values": values, "Release": map[string]any{"Namespace": "sevenfold-system"}}); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// objects are the documents of a manifest in canonical JSON.
func objects(t *testing.T, text string) []string {
	t.Helper()
	var out []string
	for doc := range strings.SplitSeq(text, "\n---\n") {
		var v any
		if err := yaml.UnmarshalStrict([]byte(doc), &v); err != nil {
			t.Fatalf("%v:\n%s", err, doc)
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if v != nil {
			out = append(out, string(b))
		}
	}
	return out
}

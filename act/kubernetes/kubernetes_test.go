package kubernetes

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/rest"

	"github.com/sevenfold-sec/sevenfold/test/kubetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// authority is a certificate valid until then.
func authority(t *testing.T, until time.Time) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: until.Add(-time.Hour), NotAfter: until, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func TestBundle(t *testing.T) {
	now := time.Now()
	own, other, expired := authority(t, now.Add(time.Hour)), authority(t, now.Add(2*time.Hour)), authority(t, now.Add(-time.Minute))
	encode := func(parts ...[]byte) string { return base64.StdEncoding.EncodeToString(bytes.Join(parts, nil)) }
	var many [][]byte
	for i := range 2 * maxAuthorities {
		many = append(many, authority(t, now.Add(time.Duration(i+3)*time.Hour)))
	}
	tests := []struct {
		name, before string
		want         []byte
	}{
		{"none", "", own},
		{"no_base64", "§", own},
		{"no_certificate", encode([]byte("x"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})), own},
		{"same", encode(own), own},
		{"twice", encode(own, own), own},
		{"another_stays", encode(other), slices.Concat(own, other)},
		{"expired_goes", encode(expired, other), slices.Concat(own, other)},
		{"oldest_of_many_go_but_not_its_own", encode(many...), slices.Concat(own, bytes.Join(many[len(many)-maxAuthorities+1:], nil))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := bundle(tt.before, own, now)
			if !bytes.Equal(got, tt.want) {
				t.Errorf("got %d bytes, want %d", len(got), len(tt.want))
			}
			if again := bundle(encode(got), own, now); !bytes.Equal(again, got) {
				t.Error("a second time it is another")
			}
		})
	}
	// Two replicas agree, whoever writes last.
	if a, b := bundle(encode(bundle("", own, now)), other, now), bundle(encode(bundle("", other, now)), own, now); !bytes.Equal(a, b) {
		t.Error("two replicas would rewrite it by turns")
	}
}

func TestMatters(t *testing.T) {
	parse := func(text string) *unstructured.Unstructured {
		u := &unstructured.Unstructured{}
		if err := utiljson.Unmarshal([]byte(text), &u.Object); err != nil {
			t.Fatal(err)
		}
		return u
	}
	const before = `{"metadata":{"generation":1,"labels":{"a":"b"},"resourceVersion":"1"},"spec":{"replicas":1,"image":"a"}}`
	for name, tt := range map[string]struct {
		after string
		want  bool
	}{
		"version":     {`{"metadata":{"generation":1,"labels":{"a":"b"},"resourceVersion":"2"},"spec":{"replicas":1,"image":"a"}}`, false},
		"replicas":    {`{"metadata":{"generation":2,"labels":{"a":"b"}},"spec":{"replicas":5,"image":"a"}}`, false},
		"image":       {`{"metadata":{"generation":2,"labels":{"a":"b"}},"spec":{"replicas":1,"image":"b"}}`, true},
		"labels":      {`{"metadata":{"generation":1,"labels":{"a":"c"}},"spec":{"replicas":1,"image":"a"}}`, true},
		"annotations": {`{"metadata":{"generation":1,"labels":{"a":"b"},"annotations":{"x":"y"}},"spec":{"replicas":1,"image":"a"}}`, true},
		"deletion":    {`{"metadata":{"generation":1,"labels":{"a":"b"},"deletionTimestamp":"2026-11-28T00:00:00Z"},"spec":{"replicas":1,"image":"a"}}`, true},
	} {
		if got := matters(parse(before), parse(tt.after)); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
	if !matters("x", parse(before)) {
		t.Error("what is not understood does not matter")
	}
}

// A server that is not there is complained of, and waiting for it ends when it
// is told to.
func TestRunWithoutAServer(t *testing.T) {
	failed := make(chan string, 100)
	c, err := New(Options{Config: &rest.Config{Host: "https://127.0.0.1:1"}, Failed: func(what string, err error) { failed <- fmt.Sprint(what, ": ", err) }})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx, func() { t.Error("ready without a server") }, func() {}) }()
	select {
	case why := <-failed:
		if !strings.Contains(why, "connection refused") {
			t.Error(why)
		}
	case <-time.After(5 * time.Minute):
		t.Error("nobody hears of it")
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := New(Options{Kubeconfig: "none"}); err == nil || !strings.Contains(err.Error(), "hint:") {
		t.Errorf("no configuration: %v", err)
	}
}

// What is written is seen, and what another wrote meanwhile is not overwritten.
func TestWrites(t *testing.T) {
	s := kubetest.Start(t)
	for _, name := range []string{"10-scaleverdict.yaml", "40-webhook.yaml"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "deploy", "kubernetes", name))
		if err != nil {
			t.Fatal(err)
		}
		s.Apply(string(text))
	}
	s.Apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: fraud, labels: {sevenfold.dev/gate: prepared}}\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: free}\n")
	c, err := New(Options{Config: s.Config, URL: "https://127.0.0.1:9/admit", Held: []Resource{
		{Kind: "Deployment", Group: "apps", Resource: "deployments", Versions: []string{"v1"}}, {Kind: "Widget.example.com", Group: "example.com", Resource: "widgets", Versions: []string{"v2", "v1"}}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ready, changes, done := make(chan struct{}), atomic.Int64{}, make(chan error, 1)
	go func() { done <- c.Run(ctx, func() { close(ready) }, func() { changes.Add(1) }) }()
	<-ready
	if got := c.Gated(); !slices.Equal(got, []string{"fraud"}) {
		t.Errorf("gated: %v", got)
	}
	await := func(what string, ok func() bool) {
		t.Helper()
		for until := time.Now().Add(3 * time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(until) {
				t.Fatal(what)
			}
		}
	}
	holds := func(words string) func() bool {
		return func() bool { spec, ok := c.Verdict("fraud"); return ok && strings.Contains(string(spec), words) }
	}
	for _, n := range []string{"3", "4"} {
		if err := c.WriteVerdict(ctx, "fraud", json.RawMessage(`{"unlisted":`+n+`}`)); err != nil {
			t.Fatal(err)
		}
		await("the verdict is not seen", holds(`"unlisted":`+n))
	}
	s.Apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: fraud, labels: {sevenfold.dev/gate: prepared}, annotations: {theirs: stays}}\n")
	await("the namespace's annotations are not seen", func() bool { return c.Annotations("fraud")["theirs"] == "stays" })
	if err := c.Annotate(ctx, "fraud", map[string]string{"sevenfold.dev/limits": ";*=1:;"}); err != nil {
		t.Fatal(err)
	}
	await("what was annotated is not seen, or has ousted others", func() bool {
		a := c.Annotations("fraud")
		return a["sevenfold.dev/limits"] == ";*=1:;" && a["theirs"] == "stays"
	})
	if err := c.Annotate(ctx, "elsewhere", map[string]string{"a": "b"}); err != nil {
		t.Errorf("a namespace that is not gated: %v", err)
	}
	if changes.Load() == 0 {
		t.Error("nobody hears of changes")
	}
	if err := c.WriteVerdict(ctx, "fraud", json.RawMessage(`{"unlisted":-1}`)); err == nil {
		t.Error("a broken verdict is written")
	}
	if _, found, err := c.Object(ctx, "fraud", "Deployment", "none"); found || err != nil {
		t.Errorf("an object that is not there: %v, %v", found, err)
	}
	if _, _, err := c.Object(ctx, "fraud", "Pod", "x"); err == nil {
		t.Error("a pod is read")
	}
	// Kinds that come are seen, in the version there is; those that go are not.
	if !c.Watching("Deployment") || c.Watching("Widget.example.com") {
		t.Error("what the server has is not watched, or what it has not is")
	}
	const widgets = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec: {group: example.com, scope: Namespaced, names: {kind: Widget, plural: widgets}, versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}}]}
`
	s.Apply(widgets)
	await("a kind that came is not watched", func() bool { return c.Watching("Widget.example.com") })
	for until := time.Now().Add(3 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		_, err := c.dynamic.Resource(schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "widgets"}).Namespace("fraud").Create(ctx,
			&unstructured.Unstructured{Object: map[string]any{"apiVersion": "example.com/v1", "kind": "Widget", "metadata": map[string]any{"name": "w"}}}, metav1.CreateOptions{})
		if err == nil {
			break
		}
		if time.Now().After(until) {
			t.Fatal(err)
		}
	}
	await("an object of it is not seen", func() bool {
		_, seen := c.Seen("fraud", "Widget.example.com", "w")
		return seen && len(c.Things("fraud")) == 1 && c.Things("fraud")[0].Kind == "Widget.example.com"
	})
	own := authority(t, time.Now().Add(time.Hour))
	for range 2 {
		if err := c.Trust(ctx, own); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

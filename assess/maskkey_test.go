package assess_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/store"
	"github.com/sevenfold-sec/sevenfold/test/postgres"
)

// A state knows its mask key by a name that does not tell it, refuses another one,
// and begins anew when told to.
func TestMaskKeys(t *testing.T) {
	one, two := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	for name, where := range map[string]func(*testing.T) string{
		"sqlite":   func(t *testing.T) string { return filepath.Join(t.TempDir(), "state") },
		"postgres": func(t *testing.T) string { return postgres.URL(t) },
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			st, err := store.Open(ctx, where(t))
			if err != nil {
				t.Fatal(err)
			}
			defer st.Close()
			keys := assess.MaskKeys{Store: st}
			for i, step := range []struct {
				key     []byte
				anew    bool
				refused bool
			}{{nil, false, false}, {one, false, false}, {one, false, false}, {nil, false, false}, {two, false, true}, {two, true, false}, {two, false, false}, {one, false, true}} {
				err := keys.Use(ctx, step.key, step.anew)
				var other *assess.MaskKeyError
				if refused := errors.As(err, &other); refused != step.refused || err != nil && !refused {
					t.Errorf("step %d: %v, refused: want %v", i, err, step.refused)
				}
				if other != nil && (other.Noted == other.Given || !strings.HasPrefix(other.Noted, "hmac-sha256:")) {
					t.Errorf("step %d: %+v", i, other)
				}
			}
		})
	}
}

// One value has one digest, be it read of a manifest, of a state of Terraform or of
// one in which it is sensitive, so that two readings of it agree.
func TestDigestsAgree(t *testing.T) {
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	manifest := "dir:" + write("map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: ml}\ndata: {t: \"0.2\"}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: ml}\ntype: Opaque\nstringData: {k: v}\n")
	state := func(name, value, sensitive string) string {
		return "terraform:" + write(name, `{"format_version":"1.0","terraform_version":"1.9.0","values":{"root_module":{"resources":[
			{"address":"kubernetes_config_map.c","mode":"managed","type":"kubernetes_config_map","name":"c","provider_name":"registry.terraform.io/hashicorp/kubernetes","values":{"metadata":[{"name":"c","namespace":"ml"}],"data":{"t":"`+value+`"}},"sensitive_values":`+sensitive+`},
			{"address":"kubernetes_secret.s","mode":"managed","type":"kubernetes_secret","name":"s","provider_name":"registry.terraform.io/hashicorp/kubernetes","values":{"metadata":[{"name":"s","namespace":"ml"}],"data":{"k":"v"},"type":"Opaque"},"sensitive_values":{"data":true}}]}}}`)
	}
	for name, tt := range map[string]struct {
		state string
		agree bool
	}{
		"plain":             {state("plain.json", "0.2", `{}`), true},
		"sensitive":         {state("sensitive.json", "0.2", `{"data":{"t":true}}`), true},
		"another_value":     {state("other.json", "0.9", `{}`), false},
		"another_sensitive": {state("othersensitive.json", "0.9", `{"data":true}`), false},
	} {
		snap, err := assess.Read(context.Background(), assess.Options{Scope: scope.Default(), Sources: []string{manifest, tt.state}, Now: time.Now(), MaskKey: bytes.Repeat([]byte{7}, 32)})
		if err != nil {
			t.Fatal(err)
		}
		agree := true
		for _, b := range snap.BlindSpots() {
			agree = agree && b.Operation != "merge"
		}
		if agree != tt.agree {
			t.Errorf("%s: the readings agree: %v; %+v", name, agree, snap.BlindSpots())
		}
	}
}

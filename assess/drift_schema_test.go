package assess

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/report"
	"github.com/sevenfold-sec/sevenfold/steps/audit"
)

// fitsSchema holds a text to a schema of docs/schema.
func fitsSchema(t *testing.T, name string, text []byte) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "docs", "schema", name))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("mem:///"+name, doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("mem:///" + name)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(v); err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

func TestBaselineDriftAndHistoryFitTheirSchemas(t *testing.T) {
	ctx := context.Background()
	st, r, o, file := approved(t)
	payload, _, err := certificate.Unseal(file, holdingOf(st, o).Trusted...)
	if err != nil {
		t.Fatal(err)
	}
	fitsSchema(t, "baseline.schema.json", payload)
	// A list refused, and every second bucket otherwise.
	b := estate.NewBuilder(r.Seen.Taken().Add(time.Hour))
	for n, a := range r.Seen.Assets() {
		if !a.Referenced && len(a.Reads) > 0 && a.Type != "AWS::IAM::Role" {
			x := *a
			x.Config, _ = r.Seen.Config(n)
			if x.Type == "AWS::S3::Bucket" {
				x.Tags = map[string]string{"k": "v"}
			}
			b.Asset(x)
		}
	}
	b.BlindSpot(estate.BlindSpot{Source: "s", Operation: "iam:ListRoles", Types: []string{"AWS::IAM::Role"}, Status: estate.ReadDenied, Why: "no"})
	snap, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	held, err := holdingOf(st, o).Against(ctx, snap)
	if err != nil || held.Refused != "" {
		t.Fatal(held, err)
	}
	Explain(ctx, held, nil, snap)
	statuses := map[string]bool{}
	for i := range held.Drift.Records {
		statuses[held.Drift.Records[i].Status] = true
	}
	if !statuses[audit.StatusOpen] || !statuses[audit.StatusUnknown] {
		t.Fatalf("only %v", statuses)
	}
	var out bytes.Buffer
	if err := report.DriftJSON(&out, (&Result{Seen: snap}).DriftDocument(held)); err != nil {
		t.Fatal(err)
	}
	fitsSchema(t, "drift.schema.json", out.Bytes())
	h := History{Store: st}
	if err := h.Note(ctx, r, "one"); err != nil {
		t.Fatal(err)
	}
	past, err := h.Report(ctx, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	out.Reset()
	if err := report.HistoryJSON(&out, past); err != nil {
		t.Fatal(err)
	}
	fitsSchema(t, "history.schema.json", out.Bytes())
}

package supply

import (
	"strings"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

type marks = map[string][]string

// licensed is a service that is asked one question about model m.
func licensed() *scope.Service {
	return &scope.Service{Name: "openai", Endpoint: "api.openai.com", Fingerprint: &scope.Fingerprint{Asks: []scope.Ask{{Name: "q", Body: `{"model":"m"}`}}}}
}

func TestDiffers(t *testing.T) {
	base := marks{"member model": {"m-1"}, "reply": {"a"}, "header x-model": {"1"}}
	tests := []struct {
		name            string
		before, now     marks
		changed, unsure string // "": none
	}{
		{"the same", base, base, "", ""},
		{"another model", base, marks{"member model": {"m-2"}, "reply": {"a"}, "header x-model": {"1"}}, "says model m-2, not m-1", ""},
		{"another answer", base, marks{"member model": {"m-1"}, "reply": {"b"}, "header x-model": {"1"}}, "answers otherwise", ""},
		{"a header less", base, marks{"member model": {"m-1"}, "reply": {"a"}}, "no longer sends header x-model", ""},
		{"a mark more", marks{"reply": {"a"}}, base, "", ""},
		{"one of several servers", marks{"member system_fingerprint": {"f", "g"}}, marks{"member system_fingerprint": {"g", "h"}}, "", ""},
		{"servers, all new", marks{"member system_fingerprint": {"f", "g"}}, marks{"member system_fingerprint": {"h"}}, "says system_fingerprint h, not f or g", ""},
		{"answers that always differ", marks{"reply": {"a", "b"}}, marks{"reply": {"c", "d"}}, "", "answers differently each time"},
		{"answers that began to differ", marks{"reply": {"a"}}, marks{"reply": {"c", "d"}}, "", "answers differently each time"},
		{"an answer among them", marks{"reply": {"a", "b"}}, marks{"reply": {"b"}}, "", ""},
		{"a listing without the model", marks{"listed m": {"1"}, "listed n": {"1"}}, marks{"listed n": {"1"}}, "no longer lists m", ""},
		{"a listing without another", marks{"listed m": {"1"}, "listed n": {"1"}}, marks{"listed m": {"1"}}, "", ""},
		{"the model listed otherwise", marks{"listed m": {"1"}}, marks{"listed m": {"2"}}, "lists m with other properties", ""},
		{"something else", marks{"listed n": {"1"}}, marks{"reply": {"a"}}, "answers nothing that it answered", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			changed, open := differs(tt.before, tt.now, []string{"m"})
			if got := strings.Join(changed, "; "); got != tt.changed {
				t.Errorf("changed %q, want %q", got, tt.changed)
			}
			if got := strings.Join(open, "; "); (tt.unsure == "") != (got == "") || !strings.Contains(got, tt.unsure) {
				t.Errorf("open %q, want %q", got, tt.unsure)
			}
		})
	}
}

// TestUpdate: a change stays one until it is approved as it is, and an error takes
// nothing away.
func TestUpdate(t *testing.T) {
	r, f, now := licensed(), &Fingerprint{}, day
	look := func(approved bool, s AskPrint, wantChanged, wantOpen, wantFirst int) {
		t.Helper()
		now = now.Add(time.Hour)
		s.Name = "q"
		f.Update(r, []AskPrint{s}, now, approved)
		changed, open, first := f.Differs(r)
		if len(changed) != wantChanged || len(open) != wantOpen || len(first) != wantFirst {
			t.Errorf("changed %q, open %q, first %q", changed, open, first)
		}
	}
	a, b := marks{"reply": {"a"}, "member model": {"m"}}, marks{"reply": {"b"}, "member model": {"m"}}
	look(false, AskPrint{Err: "down"}, 0, 1, 0)
	look(false, AskPrint{Now: a}, 0, 0, 1)
	was := f.Digest()
	look(false, AskPrint{Now: a}, 0, 0, 0)
	look(false, AskPrint{Now: b}, 1, 0, 0)
	changed := f.Digest()
	if was == changed {
		t.Error("a review of the old model holds for the new one")
	}
	look(false, AskPrint{Err: "down"}, 1, 1, 0)
	look(false, AskPrint{Now: b}, 1, 0, 0)
	if f.Digest() != changed {
		t.Error("the same answer has another digest")
	}
	look(true, AskPrint{Now: b}, 0, 0, 0)
	look(false, AskPrint{Now: a}, 1, 0, 0)
	look(false, AskPrint{Now: a, Asked: "another question"}, 0, 0, 1)
}

func TestFingerprintDecides(t *testing.T) {
	const pass, fail, unknown = finding.CriterionPass, finding.CriterionFail, finding.CriterionUnknown
	print := func(base, now marks) []Fingerprint {
		return []Fingerprint{{Service: "openai", Taken: day, Asks: []AskPrint{{Name: "q", Base: base, Now: now, Since: day.AddDate(0, 0, -3), Taken: day}}}}
	}
	one, two := marks{"reply": {"a"}, "member model": {"m-2026-01-01"}}, marks{"reply": {"b"}, "member model": {"m-2026-02-02"}}
	tests := []struct {
		name string
		set  func(*scope.Service, *Known)
		want finding.CriterionStatus
		says string
	}{
		{"none is asked for", func(r *scope.Service, k *Known) { r.Fingerprint = nil }, pass, ""},
		{"none was taken", func(*scope.Service, *Known) {}, unknown, "no fingerprint of openai was taken"},
		{"as before", func(_ *scope.Service, k *Known) { k.Fingerprints = print(one, one) }, pass, ""},
		{"changed", func(_ *scope.Service, k *Known) { k.Fingerprints = print(one, two) }, fail, "says model m-2026-02-02, not m-2026-01-01"},
		{"changed and approved", func(_ *scope.Service, k *Known) {
			k.Fingerprints = print(one, two)
			k.Reviews = []Review{{Subject: "service:openai", Decision: "approved", Taken: day, Digest: k.DigestOf("service:openai")}}
		}, pass, ""},
		{"changed and rejected", func(_ *scope.Service, k *Known) {
			k.Fingerprints = print(one, two)
			k.Reviews = []Review{{Subject: "service:openai", Decision: "rejected", Taken: day, Digest: k.DigestOf("service:openai")}}
		}, fail, "answers otherwise"},
		{"changed after it was approved", func(_ *scope.Service, k *Known) {
			k.Fingerprints = print(one, one)
			k.Reviews = []Review{{Subject: "service:openai", Decision: "approved", Taken: day, Digest: k.DigestOf("service:openai")}}
			k.Fingerprints = print(one, two)
		}, fail, "answers otherwise"},
		{"old", func(_ *scope.Service, k *Known) {
			k.Fingerprints = print(one, one)
			k.Fingerprints[0].Taken = day.AddDate(0, 0, -31)
		}, unknown, "more than 30 days old"},
		{"a model that is not declared", func(r *scope.Service, k *Known) {
			r.Models, k.Fingerprints = []string{"m-2026-02-02"}, print(one, one)
		}, fail, "answers as model m-2026-01-01"},
		{"a dated version of the declared", func(r *scope.Service, k *Known) {
			r.Models, k.Fingerprints = []string{"m"}, print(one, one)
		}, pass, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s, k := register(), clean()
			s.Services[0].Fingerprint = licensed().Fingerprint
			tt.set(&s.Services[0], k)
			j := New(s).With(k).jury(endpointEstate(t, pinnedImage))
			w := j.gather(&finding.Workload{ID: "w", Name: "e", Roots: []string{"arn:e"}, Members: []string{"arn:e", "arn:m"}})
			c, err := j.services(t.Context(), w)
			if err != nil || c.Status != tt.want || !strings.Contains(c.Reason, tt.says) {
				t.Errorf("%s: %s (%v), want %s: %q", c.Status, c.Reason, err, tt.want, tt.says)
			}
		})
	}
	if versionOf("gpt-4o", "gpt-4o-mini") || !versionOf("models/gemini-2", "gemini-2") {
		t.Error("versions of models are mixed up")
	}
}

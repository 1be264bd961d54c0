// Package supply examines what AI workloads are made of. Its engine for model
// files is steps/supply/modelfile.
package supply

import (
	"context"
	"fmt"
	"io"

	"github.com/sevenfold-sec/sevenfold/steps/supply/modelfile"
)

// File is what a collector of files gives.
type File interface {
	// Path names it to a person.
	Path() string
	// Beside are the names in its folder, nil where unknown.
	Beside() []string
	// Open opens it to be read at random, size bytes until done is called. The
	// error says why it cannot be read, without the path.
	Open() (r io.ReaderAt, size int64, done func() error, err error)
}

// Artifact is one file, or one member of an archive, and the word on it.
type Artifact struct {
	Path    string            `json:"path"` // of a member: path!member
	Format  string            `json:"format"`
	SHA256  string            `json:"sha256"` // hex; "" where it was not computed
	Verdict modelfile.Verdict `json:"verdict"`
	Member  bool              `json:"-"` // of an archive: a file's own name may hold the mark, too
}

// Finding is one thing seen in an artifact.
type Finding struct {
	Path     string             `json:"path"` // the artifact's
	Rule     string             `json:"rule"`
	Severity modelfile.Severity `json:"severity"`
	Offset   int64              `json:"offset"` // bytes into the artifact, -1 where a place has no offset
	Trail    string             `json:"trail,omitempty"`
	CWE      string             `json:"cwe,omitempty"`
	Text     string             `json:"text"`
}

// Answer is what is said of many files: each file's artifact comes before those
// of its members, and its verdict is the worst of theirs.
type Answer struct {
	Artifacts []Artifact `json:"artifacts"`
	Findings  []Finding  `json:"findings"`
}

// Scan says what a file would do to whoever loads it. What cannot be read is
// unknown, with a finding that says why.
func Scan(ctx context.Context, f File, lim modelfile.Limits) Answer {
	r, size, done, err := f.Open()
	if err != nil {
		return answer(unread(f.Path(), "it was not read: "+err.Error()))
	}
	rep := modelfile.ScanBeside(ctx, f.Path(), r, size, f.Beside(), lim)
	if err := done(); err != nil && rep.Verdict == modelfile.Clean {
		return answer(unread(f.Path(), "it could not be closed"))
	}
	return answer(rep)
}

func unread(path, why string) modelfile.Report {
	return modelfile.Report{Name: path, Verdict: modelfile.Unknown, Findings: []modelfile.Finding{{Rule: "unreadable", Severity: modelfile.Undecided, Offset: -1, Text: why}}}
}

func answer(rep modelfile.Report) Answer {
	a := Answer{Artifacts: []Artifact{{Path: rep.Name, Format: rep.Format, SHA256: rep.SHA256, Verdict: rep.Verdict}}, Findings: []Finding{}}
	if rep.Format == "empty" && rep.Verdict == modelfile.Clean && (ModelFile(rep.Name) || rep.Name == "-") {
		// An empty marker of a folder holds nothing to load; a model that is empty is a
		// download that broke off, and what will lie there nobody has seen.
		a.Artifacts[0].Verdict = modelfile.Unknown
		a.Findings = append(a.Findings, Finding{Path: rep.Name, Rule: "unreadable", Severity: modelfile.Undecided, Offset: -1, Text: "it is empty: a download or copy broke off"})
	}
	for _, m := range rep.Members {
		a.Artifacts = append(a.Artifacts, Artifact{Path: m.Path, Format: m.Format, SHA256: m.SHA256, Verdict: m.Verdict, Member: true})
	}
	for _, f := range rep.Findings {
		path := f.Member
		if path == "" {
			path = rep.Name
		}
		a.Findings = append(a.Findings, Finding{path, f.Rule, f.Severity, f.Offset, f.Trail, f.CWE, f.Text})
	}
	if rep.Verdict == modelfile.Unknown && len(a.Findings) == 0 {
		a.Findings = append(a.Findings, Finding{Path: rep.Name, Rule: "undecided", Severity: modelfile.Undecided, Offset: -1, Text: fmt.Sprintf("%d bytes could not be judged", rep.Size)})
	}
	return a
}

// Add puts another answer behind this one.
func (a *Answer) Add(b Answer) {
	a.Artifacts = append(a.Artifacts, b.Artifacts...)
	a.Findings = append(a.Findings, b.Findings...)
}

// Worst is the word on all of it together. Nothing examined is unknown.
func (a Answer) Worst() modelfile.Verdict {
	order := map[modelfile.Verdict]int{modelfile.Clean: 0, modelfile.Suspicious: 2, modelfile.Malicious: 3}
	worst, at := modelfile.Clean, 0
	if len(a.Artifacts) == 0 {
		return modelfile.Unknown
	}
	for _, f := range a.Artifacts {
		rank, known := order[f.Verdict]
		if !known {
			rank = 1
		}
		if rank > at {
			worst, at = f.Verdict, rank
		}
	}
	return worst
}

package report

import (
	"fmt"
	"io"
	"strings"

	"github.com/sevenfold-sec/sevenfold/finding"
)

// Patch is what mends the source of one Terraform plan or state in one go.
type Patch struct {
	// Source is the plan or state, Folder where git apply is to be run.
	Source string `json:"source"`
	Folder string `json:"folder"`
	// Files are those it changes or makes, relative to Folder.
	Files []string `json:"files"`
	// Patch is a unified diff; empty if none of the mends can be made.
	Patch string `json:"patch"`
	// Findings are those it mends, by id, and Left all others that fail on what the
	// source says.
	Findings []string  `json:"findings"`
	Left     []LeftOut `json:"left"`
	// Notes are what a person has to do besides.
	Notes []string `json:"notes"`
}

// LeftOut is a failing finding that the patch does not mend, and why not.
type LeftOut struct {
	Finding string `json:"finding"`
	Why     string `json:"why"`
}

// SeveralFoldersError is returned where there is more than one patch to write:
// their files are relative to different folders.
type SeveralFoldersError struct{ Sources []string }

// Error names the plans.
func (e *SeveralFoldersError) Error() string {
	return fmt.Sprintf("%d plans have a patch each, of different folders: %s", len(e.Sources), strings.Join(e.Sources, ", "))
}

// Diff writes the patch that mends what is written in Terraform, as git apply
// takes it in the folder of the plan. Lines that begin with # say what it mends,
// what it leaves out and why; git passes them over. Without anything to mend
// that is all there is. The diff stands as it is, byte for byte: what it shows
// comes from the source it is for. Its error is the writer's, or a
// *SeveralFoldersError.
func Diff(w io.Writer, doc *Document) error {
	if len(doc.Patches) > 1 {
		e := &SeveralFoldersError{}
		for _, p := range doc.Patches {
			e.Sources = append(e.Sources, line(p.Source))
		}
		return e
	}
	var b strings.Builder
	note := func(format string, args ...any) { b.WriteString("# " + line(fmt.Sprintf(format, args...)) + "\n") }
	item := func(words ...string) { b.WriteString("#   " + line(strings.Join(words, ": ")) + "\n") }
	if len(doc.Patches) == 0 {
		note("nothing to mend in Terraform: no finding has a mend there, or the .tf files do not lie beside the plan")
		_, err := io.WriteString(w, b.String())
		return err
	}
	p, byID := doc.Patches[0], findingsByID(doc)
	note("%s of %s mended in %s:", many(len(p.Findings), "finding"), number(len(p.Findings)+len(p.Left)), p.Folder)
	for _, id := range p.Findings {
		item(titled(byID[id], id))
	}
	if len(p.Left) > 0 {
		note("left out:")
	}
	for _, l := range p.Left {
		item(titled(byID[l.Finding], l.Finding), l.Why)
	}
	if len(p.Notes) > 0 {
		note("to be done by hand:")
	}
	for _, n := range p.Notes {
		item(n)
	}
	if p.Patch != "" {
		note("values for new variables are yours to give; plan and assess again before applying")
	}
	b.WriteString(p.Patch)
	_, err := io.WriteString(w, b.String())
	return err
}

// titled says which finding it is.
func titled(f *finding.Finding, id string) string {
	if f == nil {
		return id
	}
	return f.ID + " " + f.Control + " " + f.Asset
}

// patchWords says how many findings have a patch and how to get it; empty
// without one.
func (ix *index) patchWords() string {
	n := 0
	for _, p := range ix.doc.Patches {
		n += len(p.Findings)
	}
	if n == 0 {
		return ""
	}
	command := ix.doc.Command
	if command == "" {
		command = "sevenfold assess"
	}
	return fmt.Sprintf("One patch mends %s in the Terraform source: %s --format patch --out mend.patch, then git apply.", many(n, "finding"), command)
}

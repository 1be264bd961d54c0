package supply

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/estate/software"
	"github.com/sevenfold-sec/sevenfold/steps/supply/modelfile"
	"github.com/sevenfold-sec/sevenfold/steps/supply/osv"
	"github.com/sevenfold-sec/sevenfold/steps/supply/parts"
	"github.com/sevenfold-sec/sevenfold/steps/supply/upkeep"
)

// Known is what the state knows of the supply chain beside the snapshot: what was
// examined, which vulnerabilities that has, and who reviewed what.
type Known struct {
	Now time.Time `json:"now"`
	// Examined by place, sorted: see PlaceOf.
	Examined []Examined `json:"examined"`
	// Watched are the vulnerabilities of what was examined, by place.
	Watched map[string]*Watched `json:"watched,omitempty"`
	Stocks  []*osv.Stock        `json:"stocks,omitempty"`
	Reviews []Review            `json:"reviews,omitempty"`
	Probes  []Probe             `json:"probes,omitempty"`
	// Fingerprints of services, by their names in the register.
	Fingerprints []Fingerprint `json:"fingerprints,omitempty"`
	// Called are calls of AI services that logs show.
	Called []Called `json:"called,omitempty"`
	// Upkeep is what registries and others say of packages; nil where nobody brought it.
	Upkeep *upkeep.Book `json:"upkeep,omitempty"`
	// FirstSeen is when each package was first seen in this estate; see FirstSeenKey.
	FirstSeen map[string]time.Time `json:"firstSeen,omitempty"`
	// Refused says why what was stored cannot be used; "" if it can.
	Refused string `json:"refused,omitempty"`
}

// Probe is what was seen of an endpoint by asking it.
type Probe struct {
	Host  string    `json:"host"`
	Taken time.Time `json:"taken"`
	// TLS is the version that was agreed on; "" where it was reached without.
	TLS string `json:"tls"`
	// Refuses says that it refused a request without a key; nil: not told.
	Refuses *bool `json:"refuses,omitempty"`
	// Limited is after how many requests within a minute it refused more; 0: it did
	// not within Asked.
	Limited int `json:"limited,omitempty"`
	Asked   int `json:"asked,omitempty"`
	// Open says what could not be told.
	Open []string `json:"open,omitempty"`
}

// Examined is what was seen of one place: a model's files, an image, a code base.
type Examined struct {
	// Place as PlaceOf spells it, or code:NAME for what runs in workload NAME.
	Place string `json:"place"`
	// From is what was read: a path or an address.
	From  string `json:"from"`
	Files *Files `json:"files,omitempty"`
	Bill  *Bill  `json:"bill,omitempty"`
	Proof *Proof `json:"proof,omitempty"`
}

// Files is the word on the model files of a place.
type Files struct {
	Taken time.Time `json:"taken"`
	// Count is how many artifacts had each verdict; members of archives are none.
	Count map[modelfile.Verdict]int `json:"count"`
	// Bad are those that are not clean, with what was seen in them, at most MaxKept.
	Bad      []Artifact `json:"bad,omitempty"`
	Findings []Finding  `json:"findings,omitempty"`
	// Verdicts by path, of the files of a folder of S3: what loads one of them is judged
	// by that one.
	Verdicts map[string]modelfile.Verdict `json:"verdicts,omitempty"`
	// Digest is one over all files: the same files have the same.
	Digest string `json:"digest"`
	// Sums are the SHA-256 of the files, in hex, sorted; "" for one that has none.
	Sums []string `json:"sums,omitempty"`
}

// below is what was said of the files at and below one place; nil if none of them was
// among those examined.
func (f *Files) below(place string) *Files {
	under := func(p string) bool {
		return p == place || strings.HasPrefix(p, place+"/") || strings.HasPrefix(p, place+"!")
	}
	out := &Files{Taken: f.Taken, Count: map[modelfile.Verdict]int{}, Digest: f.Digest, Sums: f.Sums}
	for p, v := range f.Verdicts {
		if under(p) {
			out.Count[v]++
		}
	}
	if len(out.Count) == 0 {
		return nil
	}
	for _, a := range f.Bad {
		if under(a.Path) {
			out.Bad = append(out.Bad, a)
		}
	}
	for _, x := range f.Findings {
		if under(x.Path) {
			out.Findings = append(out.Findings, x)
		}
	}
	return out
}

// Bill is what a place is made of.
type Bill struct {
	Taken time.Time `json:"taken"`
	parts.Answer
	Digest string `json:"digest"`
}

// Proof is what a signature over the files of a place says.
type Proof struct {
	Taken time.Time `json:"taken"`
	// Verdict: verified, refused or unknown.
	Verdict string `json:"verdict"`
	Signer  string `json:"signer,omitempty"`
	Why     string `json:"why,omitempty"`
	Files   int    `json:"files"` // that the signature covers
	// Sums are their SHA-256 in hex, sorted: what was examined is held against them, and
	// which was read first does not matter.
	Sums []string `json:"sums,omitempty"`
}

// verified reports whether a signature holds over each file that was examined. Of files
// whose digest was not taken (--no-digest) nobody can tell.
func (e *Examined) verified() bool {
	if e.Proof == nil || e.Proof.Verdict != "verified" {
		return false
	}
	if e.Files == nil {
		return true
	}
	for _, sum := range e.Files.Sums {
		if _, signed := slices.BinarySearch(e.Proof.Sums, sum); !signed {
			return false
		}
	}
	return len(e.Files.Sums) > 0
}

// MaxKept bounds what is kept in the state of each kind of remark on one place.
const MaxKept = 500

// Watched are the vulnerabilities of one place.
type Watched struct {
	Matches []Match `json:"matches,omitempty"`
	// Decided counts the components whose version was held against records, Of all of
	// them; Open says why the others were not.
	Decided int      `json:"decided"`
	Of      int      `json:"of"`
	Open    []string `json:"open,omitempty"`
	// Excused are matches that a VEX statement says do not concern it.
	Excused int `json:"excused,omitempty"`
}

// PlaceOf is the place of an asset in one spelling, whoever names it: s3://BUCKET/KEY
// of objects and prefixes, image://REF in full, hf://NAME, else the id.
func PlaceOf(id string) string {
	if ref, ok := strings.CutPrefix(id, "image://"); ok {
		return "image://" + software.ParseImage(ref).String()
	}
	if rest, ok := strings.CutPrefix(id, "arn:aws:s3:::"); ok {
		bucket, path, part := strings.Cut(rest, "#")
		if part {
			_, path, _ = strings.Cut(path, "/")
		} else {
			bucket, path, _ = strings.Cut(rest, "/")
		}
		return strings.TrimSuffix("s3://"+bucket+"/"+path, "/")
	}
	return strings.TrimSuffix(id, "/")
}

// ParsePlace reads a place as people write it: an id of an asset, s3://…, an image's
// reference after image:// or docker://, or a workload's name after code:.
func ParsePlace(text string) string {
	if ref, ok := strings.CutPrefix(text, "docker://"); ok {
		text = "image://" + ref
	}
	return PlaceOf(strings.TrimSpace(text))
}

// find returns what was examined of a place. Files below a folder of S3 that was
// examined as a whole were examined with it.
func (k *Known) find(place string) *Examined {
	i, ok := slices.BinarySearchFunc(k.Examined, place, func(e Examined, p string) int { return strings.Compare(e.Place, p) })
	if ok {
		return &k.Examined[i]
	}
	if strings.HasPrefix(place, "s3://") {
		for up := place; strings.Count(up, "/") > 2; {
			up = up[:strings.LastIndexByte(up, '/')]
			if i, ok := slices.BinarySearchFunc(k.Examined, up, func(e Examined, p string) int { return strings.Compare(e.Place, p) }); ok && k.Examined[i].Files != nil {
				if f := k.Examined[i].Files.below(place); f != nil {
					return &Examined{Place: place, From: k.Examined[i].From, Files: f}
				}
			}
		}
	}
	if tag, digest, ok := strings.Cut(place, "@"); ok && strings.HasPrefix(place, "image://") {
		// The same content by digest alone.
		if colon := strings.LastIndexByte(tag, ':'); colon > strings.LastIndexByte(tag, '/') {
			return k.find(tag[:colon] + "@" + digest)
		}
	}
	return nil
}

// Put adds or replaces what was examined of a place: each half on its own.
func (k *Known) Put(e Examined) {
	i, ok := slices.BinarySearchFunc(k.Examined, e.Place, func(x Examined, p string) int { return strings.Compare(x.Place, p) })
	if !ok {
		k.Examined = slices.Insert(k.Examined, i, Examined{Place: e.Place})
	}
	old := &k.Examined[i]
	old.From = cmp.Or(e.From, old.From)
	if e.Files != nil {
		old.Files = e.Files
	}
	if e.Bill != nil {
		old.Bill = e.Bill
	}
	if e.Proof != nil {
		old.Proof = e.Proof
	}
}

// stock returns the records of an ecosystem.
func (k *Known) stock(ecosystem string) *osv.Stock {
	b, _, _ := strings.Cut(ecosystem, ":")
	for _, s := range k.Stocks {
		if s.Ecosystem == b {
			return s
		}
	}
	return nil
}

// FilesOf sums up what was said of files.
func FilesOf(a Answer, taken time.Time) *Files {
	f := &Files{Taken: taken, Count: map[modelfile.Verdict]int{}}
	var names []string
	bad := map[string]bool{}
	for _, x := range a.Artifacts {
		if !x.Member {
			f.Count[x.Verdict]++
			if strings.HasPrefix(x.Path, "s3://") {
				if f.Verdicts == nil {
					f.Verdicts = map[string]modelfile.Verdict{}
				}
				f.Verdicts[x.Path] = x.Verdict
			}
			names = append(names, x.Path+"\x00"+x.SHA256+"\x00"+string(x.Verdict))
			f.Sums = append(f.Sums, x.SHA256)
		}
		if x.Verdict != modelfile.Clean && len(f.Bad) < MaxKept {
			f.Bad = append(f.Bad, x)
			bad[x.Path] = true
		}
	}
	for _, x := range a.Findings {
		if bad[x.Path] && x.Severity != modelfile.Info && len(f.Findings) < MaxKept {
			f.Findings = append(f.Findings, x)
		}
	}
	slices.Sort(f.Sums)
	f.Sums = slices.Compact(f.Sums)
	f.Digest = digestOf(names)
	return f
}

// BillOf settles what was read and dates it.
func BillOf(a parts.Answer, taken time.Time) *Bill {
	a.Settle()
	var names []string
	for i := range a.Parts {
		names = append(names, a.Parts[i].Key()+"\x00"+a.Parts[i].SHA256)
	}
	return &Bill{Taken: taken, Answer: a, Digest: digestOf(names)}
}

// kindOf says what an asset is to this step.
func kindOf(a *estate.Asset) string {
	switch {
	case a.Type == estate.ImageType:
		return "image"
	case strings.HasPrefix(a.ID, "hf://"):
		return "hub model"
	case a.Type == "AWS::S3::Object" || a.Type == "AWS::S3::Prefix":
		return "files"
	case a.Kind == estate.KindService:
		return "service"
	case strings.Contains(a.ID, ":foundation-model/") || strings.Contains(a.ID, ":inference-profile/"):
		return "managed model"
	case a.Kind == estate.KindPackage:
		return "code"
	}
	return ""
}

// Package modelfile says what a model file would do to whoever loads it, without
// loading it.
//
// Scan reads one file as the frameworks read it: pickles as programs (package
// pickle), containers by the directory their loader uses, graphs by the
// operators in them, configurations by the classes, functions and templates they
// name. Tensor bytes are stepped over. Nothing is executed, imported or unpacked
// to disk; memory, time and depth are bounded by Limits.
//
// The verdict is default deny: clean needs a known format, read to its end, that
// names nothing but what the framework's own files need. What could not be read
// is unknown, never clean.
package modelfile

// Verdict is the word on one file.
type Verdict string

// The verdicts. Suspicious and Malicious both block; Unknown says that the file
// could not be read to its end, and so is no pass either.
const (
	Clean      Verdict = "clean"
	Suspicious Verdict = "suspicious"
	Malicious  Verdict = "malicious"
	Unknown    Verdict = "unknown"
)

// Severity is how bad one finding is.
type Severity string

// The severities. Critical and High make a file malicious, Medium suspicious;
// Info and Low change nothing. Undecided is something that could not be read or
// decided, which makes a file that has nothing worse unknown.
const (
	Info      Severity = "info"
	Low       Severity = "low"
	Undecided Severity = "undecided"
	Medium    Severity = "medium"
	High      Severity = "high"
	Critical  Severity = "critical"
)

// Finding is one thing seen in a file.
type Finding struct {
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	Member   string   `json:"member,omitempty"` // path!member; empty for the file itself
	Offset   int64    `json:"offset"`           // bytes into the member, -1 where a place has no offset
	Trail    string   `json:"trail,omitempty"`  // pickles: the opcodes that led there
	CWE      string   `json:"cwe,omitempty"`
	Text     string   `json:"text"`
}

// Member is one file inside another.
type Member struct {
	Path    string  `json:"path"` // path!member
	Format  string  `json:"format"`
	Size    int64   `json:"size"`             // bytes, unpacked
	SHA256  string  `json:"sha256,omitempty"` // hex, if Limits.Digest asked for it; of weights that were stepped over compressed there is none
	Verdict Verdict `json:"verdict"`
}

// Report is what Scan found.
type Report struct {
	Name     string    `json:"path"`
	Format   string    `json:"format"`           // "" if nothing recognised it
	SHA256   string    `json:"sha256,omitempty"` // hex, if Limits.Digest asked for it
	Size     int64     `json:"size"`
	Verdict  Verdict   `json:"verdict"`
	Findings []Finding `json:"findings,omitempty"`
	Members  []Member  `json:"members,omitempty"`
}

// Limits bound one Scan. The zero value of each field means its default. Each
// limit that is reached is named in a finding and makes the file unknown.
type Limits struct {
	Unpacked int64 // bytes that compressed members may unpack to in all; default 4 GiB
	Memory   int64 // bytes of one unpacked member kept in memory; default 32 MiB
	Members  int   // members of all archives together; default 100,000
	Depth    int   // archives inside archives; default 8
	Header   int64 // bytes of a header, configuration or graph read as a whole; default 64 MiB
	Ops      int   // pickle opcodes; default 1<<31-1
	Findings int   // findings kept; default 1,000

	// Vouched are globals that the caller answers for: "module.Name", or
	// "package.*" for all of a package. They are allowed in pickles and skops
	// files; what is known to be dangerous stays refused.
	Vouched []string

	// Digest asks for the SHA-256 of the file and of its members, which takes
	// reading all of them.
	Digest bool
}

func (l Limits) filled() Limits {
	fill := func(p *int64, d int64) {
		if *p <= 0 {
			*p = d
		}
	}
	count := func(p *int, d int) {
		if *p <= 0 {
			*p = d
		}
	}
	fill(&l.Unpacked, 4<<30)
	fill(&l.Memory, 32<<20)
	fill(&l.Header, 64<<20)
	count(&l.Members, 100_000)
	count(&l.Depth, 8)
	count(&l.Ops, 1<<31-1)
	count(&l.Findings, 1000)
	return l
}

// rank orders severities by what they do to the verdict.
func rank(s Severity) int {
	switch s {
	case Critical, High:
		return 3
	case Medium:
		return 2
	case Undecided:
		return 1
	}
	return 0
}

var verdicts = [4]Verdict{Clean, Unknown, Suspicious, Malicious}

package estate

import "time"

// Types of what sources say that is no thing in the estate: it is kept in the
// snapshot, so that a stored one judges as the live one did, and is neither
// counted nor listed as an asset.
const (
	// ScanType is one tool's reports in one source; its Config is a Scan.
	ScanType = "sevenfold::Scan"
	// ForeignType is what one tool says of one resource; its Config is a Foreign.
	ForeignType = "sevenfold::ForeignResults"
	// AddressesType says which assets the resources of a Terraform plan or state
	// are; its Config is an Addresses.
	AddressesType = "sevenfold::Addresses"
)

// IsRecord reports whether assets of a type are records of what sources say,
// and not things in the estate.
func IsRecord(typ string) bool {
	return typ == ScanType || typ == ForeignType || typ == AddressesType
}

// ForeignStatus is what another tool says of one of its checks on one resource.
type ForeignStatus string

// The statuses. Only ForeignFail is a fault; ForeignPass is that tool's word and
// never ours; the other two leave open what is.
const (
	ForeignFail    ForeignStatus = "fail"
	ForeignPass    ForeignStatus = "pass"
	ForeignUnknown ForeignStatus = "unknown" // manual, error, not evaluated
	ForeignMuted   ForeignStatus = "muted"   // suppressed, excepted, archived there
)

// The kinds of check another tool may make.
const (
	ForeignMisconfiguration = ""
	ForeignVulnerability    = "vulnerability"
	ForeignSecret           = "secret"
)

// Scan is one tool's reports in one source.
type Scan struct {
	// Tool in lower case ("prowler"), Name as it writes itself ("Prowler").
	Tool     string
	Name     string
	Versions []string
	Files    []ScanFile
	// Checks are what its results name, by check id.
	Checks map[string]ForeignCheck
}

// ScanFile is one report.
type ScanFile struct {
	File   string // slash-separated and relative to the source
	Format string // "OCSF", "CSV", …
	// Oldest and Newest bound the times the tool gives its results; zero if it
	// gives none.
	Oldest time.Time `json:",omitzero"`
	Newest time.Time `json:",omitzero"`
	// Results counts them by status, before those that stand twice are merged.
	Results map[ForeignStatus]int
}

// ForeignCheck is what a tool says of a check, whatever the resource.
type ForeignCheck struct {
	Title string `json:",omitempty"`
	Kind  string `json:",omitempty"`
	Fix   string `json:",omitempty"`
	URL   string `json:",omitempty"`
	// Aliases are other ids the tool gives the same check.
	Aliases []string `json:",omitempty"`
	// Frameworks are ids the tool cites ("CWE-79").
	Frameworks []string `json:",omitempty"`
}

// Foreign is what one tool says of one resource.
type Foreign struct {
	Tool string
	// Scan is the id of the tool's record.
	Scan     string
	Resource ForeignResource
	Results  []ForeignResult
}

// ForeignResource names a resource in whichever words the tool has for it.
type ForeignResource struct {
	// ID is the provider's id, if the tool gives one: an ARN.
	ID string `json:",omitempty"`
	// Type as the tool spells it, Name as a person knows it.
	Type    string `json:",omitempty"`
	Name    string `json:",omitempty"`
	Account string `json:",omitempty"`
	Region  string `json:",omitempty"`
	// Kubernetes objects: Kind set, Namespace empty when cluster-scoped. Cluster as
	// the tool names it, which need not be our name for it.
	Cluster   string `json:",omitempty"`
	Namespace string `json:",omitempty"`
	Kind      string `json:",omitempty"`
	// Address in Terraform code.
	Address string `json:",omitempty"`
	// Images are references of one container image.
	Images []string `json:",omitempty"`
	// File of code, where nothing better is known.
	File string `json:",omitempty"`
}

// ForeignResult is one check's outcome on a resource.
type ForeignResult struct {
	Check  string
	Status ForeignStatus
	// Severity in the tool's own word; empty if it gives none.
	Severity string `json:",omitempty"`
	// Message is the tool's, shortened; it never holds what a secret scanner matched.
	Message string `json:",omitempty"`
	// Place tells apart several faults of one check on one resource: a package, a
	// file and line.
	Place   string    `json:",omitempty"`
	Version string    `json:",omitempty"`
	Time    time.Time `json:",omitzero"`
	File    string    `json:",omitempty"` // the report
}

// Addresses says which assets the resources of one plan or state are, by
// address.
type Addresses struct{ Of map[string][]string }

package scan

import (
	"slices"
	"strings"
)

// Sensitivity says how much harm comes of a value in wrong hands.
type Sensitivity string

// The three degrees.
const (
	High   Sensitivity = "high"   // identity, money, health or access can be taken with it
	Medium Sensitivity = "medium" // tells who somebody is or how to reach them
	Low    Sensitivity = "low"    // tells little alone
)

// Group is the word policies use for a kind of data.
type Group string

// The groups a policy may name.
const (
	PII         Group = "PII"         // about a person
	PHI         Group = "PHI"         // about a person's health
	PCI         Group = "PCI"         // payment cards
	Financial   Group = "financial"   // accounts, banks, companies' tax numbers
	Credentials Group = "credentials" // secrets that open something
	Technical   Group = "technical"   // addresses of machines and pages
)

// Entity is one type of value the scanner knows.
type Entity struct {
	// Name is the type's name, Presidio's where Presidio has one.
	Name string
	// Country is the ISO 3166 code of the state that issues the value, "" if
	// none or many do. It is the subject region of a label.
	Country string
	// Group and Sensitivity are what policies decide by.
	Group       Group
	Sensitivity Sensitivity
	// Chance is the share of random values of the type's shapes that its check
	// passes: 1 where nothing can be checked.
	Chance float64

	check  func([]byte) bool
	alone  float64 // score of a strong shape without a word nearby
	strong string  // shapes that are accepted alone
	plain  string  // shapes that need a word nearby or a column
	words  string  // lower-case words that speak for the type
	chunks string  // lengths of one run of letters and digits mixed, with no shape of its own
	raw    bool    // the check reads the separators too
}

// Entities lists every type the scanner can report, by name. Types that only
// the neural model finds are among them.
func Entities() []Entity {
	all := slices.Clone(catalogue())
	for _, g := range secretRules() {
		all = append(all, Entity{Name: g.entity, Group: Credentials, Sensitivity: High, Chance: 1e-12})
	}
	slices.SortFunc(all, func(a, b Entity) int { return strings.Compare(a.Name, b.Name) })
	return slices.CompactFunc(all, func(a, b Entity) bool { return a.Name == b.Name })
}

// EntityOf is the entity of a name, and false if there is none.
func EntityOf(name string) (Entity, bool) {
	if e, ok := byName()[name]; ok {
		return e, true
	}
	return Entity{}, false
}

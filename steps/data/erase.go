package data

import (
	"slices"
	"time"
)

// Case is the erasure of one subject's data: the places it was found in and the models
// that learnt from them. The subject is a keyed digest; who it is is not kept.
type Case struct {
	ID      string    `json:"id"`
	Subject string    `json:"subject"` // HMAC-SHA-256 under the case's key, hexadecimal
	Key     string    `json:"key"`     // base64; of this case alone
	Begun   time.Time `json:"begun"`
	// Stores are the addresses that were searched, as they must be again.
	Stores []string      `json:"stores"`
	Places []ErasePlace  `json:"places"`
	Models []EraseModel  `json:"models"`
	Left   []EraseLeft   `json:"cannotBeClosedByDeletion"`
	Unread []ErasePlace  `json:"unread"` // what could not be searched
	Closed bool          `json:"closed"`
	Record *ErasedRecord `json:"record,omitempty"`
}

// ErasePlace is where a subject was found.
type ErasePlace struct {
	Store   string `json:"store"`
	Key     string `json:"key"`
	Version string `json:"version,omitempty"`
	Latest  bool   `json:"latest"`
	Hits    int    `json:"hits"`
	Why     string `json:"why,omitempty"` // of what could not be searched
	Do      string `json:"do,omitempty"`
}

// EraseModel is a model that data of a place reached.
type EraseModel struct {
	Model string `json:"model"`
	Kind  string `json:"kind"`
	From  string `json:"from"`
	Tier  string `json:"tier"`
	Path  []Hop  `json:"path"`
}

// EraseLeft is what deleting does not end, and what does.
type EraseLeft struct {
	What string `json:"what"`
	Why  string `json:"why"`
	Do   string `json:"do"`
}

// ErasedRecord is what a destruction record states.
type ErasedRecord struct {
	Case    string    `json:"case"`
	Subject string    `json:"subject"`
	Begun   time.Time `json:"begun"`
	Closed  time.Time `json:"closed"`
	// Destroyed are the places of the case that are no more, Events what showed their
	// end where events were given.
	Destroyed []DestroyedPlace `json:"destroyed"`
	// Relisted are the stores that were listed and searched again: nothing was found.
	Relisted []Relisted `json:"relisted"`
	// Keys are keys whose deletion ends what cannot be deleted otherwise.
	Keys []string `json:"keysScheduledForDeletion"`
	// Models are those that learnt from the data, each with what was decided.
	Models []ModelDecision `json:"models"`
}

// DestroyedPlace is one version that is no more.
type DestroyedPlace struct {
	Store   string `json:"store"`
	Key     string `json:"key"`
	Version string `json:"version,omitempty"`
	Event   string `json:"event,omitempty"` // id of the event of its deletion
}

// Relisted is a store that was searched again.
type Relisted struct {
	Store    string    `json:"store"`
	At       time.Time `json:"at"`
	Objects  int       `json:"objects"`
	Versions int       `json:"versions"`
}

// ModelDecision is what was decided of a model that learnt from erased data.
type ModelDecision struct {
	Model    string `json:"model"`
	Decision string `json:"decision"`
}

// touches reports whether a case's places or models are of a workload.
func (c *Case) touches(p *party) bool {
	for _, m := range c.Models {
		if slices.Contains(p.systems, m.Model) {
			return true
		}
	}
	for _, l := range c.Places {
		for _, id := range p.places {
			if container, _ := part(id); container == l.Store || id == l.Store {
				return true
			}
		}
	}
	return false
}

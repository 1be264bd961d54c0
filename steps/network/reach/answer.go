package reach

// Answer is what an engine says of a connection. The zero value is Unknown:
// what nobody decided is not safe.
type Answer uint8

// The three answers.
const (
	Unknown Answer = iota // could not be read, parsed or decided; a reason goes with it
	No                    // no packet can open the connection
	Yes                   // some packet can
)

// String is the word of the report: "yes", "no" or "unknown".
func (a Answer) String() string {
	switch a {
	case Yes:
		return "yes"
	case No:
		return "no"
	}
	return "unknown"
}

// And is the answer to "both": a No decides, else an Unknown does.
func (a Answer) And(b Answer) Answer {
	switch {
	case a == No || b == No:
		return No
	case a == Unknown || b == Unknown:
		return Unknown
	}
	return Yes
}

// Or is the answer to "either": a Yes decides, else an Unknown does.
func (a Answer) Or(b Answer) Answer {
	switch {
	case a == Yes || b == Yes:
		return Yes
	case a == Unknown || b == Unknown:
		return Unknown
	}
	return No
}

// Not is the opposite; Unknown stays Unknown.
func (a Answer) Not() Answer {
	switch a {
	case Yes:
		return No
	case No:
		return Yes
	}
	return Unknown
}

// Is makes an Answer of a known fact.
func Is(fact bool) Answer {
	if fact {
		return Yes
	}
	return No
}

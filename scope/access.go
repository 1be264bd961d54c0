package scope

import (
	"fmt"
	"time"

	"github.com/sevenfold-sec/sevenfold/scope/strict"
)

// Access says what is asked of credentials.
type Access struct{ Keys Keys }

// Keys are how old a key may become that does not end by itself, and for how long
// it may lie unused. Zero is KeyDays days.
type Keys struct {
	Age, Unused time.Duration
	// Signature is an approver's, where gate.approvers names any and a limit is
	// longer than the default.
	Signature string
}

// KeyDays are the days of both limits unless they are set. Source: CIS AWS
// Foundations Benchmark, keys are rotated every 90 days.
const KeyDays = 90

type accessYAML struct {
	Keys keysYAML `key:"keys" doc:"How old keys may become, and how long unused."`
}

type keysYAML struct {
	Age       strict.Text `key:"age" doc:"How old a key may become: 90d unless set."`
	Unused    strict.Text `key:"unused" doc:"How long a key may lie unused: 90d unless set."`
	Signature strict.Text `key:"signature" doc:"An approver's, where gate.approvers names any and a limit is longer than 90 days."`
}

func (c *checker) access(f *accessYAML, a *Access) {
	a.Keys.Signature = f.Keys.Signature.Value
	for _, limit := range []struct {
		text strict.Text
		into *time.Duration
	}{{f.Keys.Age, &a.Keys.Age}, {f.Keys.Unused, &a.Keys.Unused}} {
		before := len(c.errs)
		*limit.into = c.period(limit.text)
		if limit.text.Place.Line > 0 && *limit.into == 0 && len(c.errs) == before {
			c.bad(limit.text, "write it as 90d", "%q leaves a key no time at all", limit.text.Value)
		}
	}
}

// loosened is the setting by which keys may become older, or lie unused longer,
// than the default lets them; ok is false if they may not.
func (k *Keys) loosened() (l Loosening, ok bool) {
	const most = KeyDays * 24 * time.Hour
	if k.Age <= most && k.Unused <= most {
		return l, false
	}
	days := func(d time.Duration) int {
		if d == 0 {
			d = most
		}
		return int(d.Hours() / 24)
	}
	return Loosening{"keys", "", fmt.Sprintf("%dd %dd", days(k.Age), days(k.Unused))}, true
}

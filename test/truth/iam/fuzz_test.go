package truth

import "testing"

// FuzzReadCases also makes a world of what was read: cases come from files of
// others too.
func FuzzReadCases(f *testing.F) {
	f.Add([]byte(`{"schema":"sevenfold/iam-cases/v1","cases":[{"name":"n","expect":"deny","why":"w","source":"s","identityPolicies":[{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"x/${aws:username}"}}],"request":{"principal":"arn:aws:iam::111122223333:user/a","action":"a:b","resource":"r"}}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		cs, err := ReadCases(text)
		if err != nil {
			return
		}
		for i := range cs {
			if w, r, err := cs[i].World(); err == nil {
				w.Decide(r)
			}
		}
	})
}

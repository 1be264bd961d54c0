package iam

import "slices"

// longestSession is for how many seconds the credentials of a session are good
// at most: 36 hours, by sts:GetSessionToken and sts:GetFederationToken. Those of
// roles end sooner.
const longestSession = 129600

// issued is within which seconds the token of the request's session was issued:
// not after the request, and not longer before it than a session lasts. ok is
// false where the time of the request is open.
func (e *env) issued() (from, to float64, ok bool) {
	if e.generic {
		return 0, 0, false
	}
	if st, at := e.value(keyCurrentTime); st == known && len(at) == 1 {
		to, ok = seconds(at[0])
	}
	return to - longestSession, to, ok
}

// sessionTimes are the values that aws:TokenIssueTime may have, as sets in each
// of which they lie; nil if they may be any.
func (e *env) sessionTimes() []*values {
	from, to, ok := e.issued()
	if !ok {
		return nil
	}
	return []*values{
		{family: ofTimes, bounds: []bound{{greaterEqual, from}}},
		{family: ofTimes, bounds: []bound{{lessEqual, to}}},
	}
}

// byIssue decides a condition on the time of the session's token where all that
// it can be ends alike: no session of today is from before last year.
func (d *decider) byIssue(a *atom) truth {
	from, to, ok := d.issued()
	if !ok || !a.plain || a.values.family != ofTimes {
		return open
	}
	// The bounds cut time into stretches: one moment of each tells.
	moments := []float64{from, to}
	for _, b := range a.values.bounds {
		if from < b.value && b.value < to {
			moments = append(moments, b.value)
		}
	}
	slices.Sort(moments)
	for i := len(moments) - 1; i > 0; i-- {
		moments = append(moments, moments[i-1]+(moments[i]-moments[i-1])/2)
	}
	holds := a.values.within(from)
	for _, m := range moments {
		if a.values.within(m) != holds {
			return open
		}
	}
	t := of(holds != a.not)
	if !d.present(keyTokenIssueTime) && t != of(a.ifExists || a.not) {
		return open // without a token it ends the other way
	}
	return t
}

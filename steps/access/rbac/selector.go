package rbac

import (
	"fmt"
	"slices"
)

// Selector chooses objects by their labels, as metav1.LabelSelector does: all of
// its parts must fit, and one without parts fits everything.
type Selector struct {
	MatchLabels      map[string]string
	MatchExpressions []Requirement
}

// Requirement is one expression of a selector.
type Requirement struct {
	Key string
	// Operator is In, NotIn, Exists or DoesNotExist.
	Operator string
	Values   []string
}

// check returns what the API server would refuse of a selector.
func (s *Selector) check() error {
	for _, r := range s.MatchExpressions {
		switch r.Operator {
		case "In", "NotIn":
			if len(r.Values) == 0 {
				return fmt.Errorf("operator %s of key %s needs values", r.Operator, r.Key)
			}
		case "Exists", "DoesNotExist":
			if len(r.Values) > 0 {
				return fmt.Errorf("operator %s of key %s takes no values", r.Operator, r.Key)
			}
		default:
			return fmt.Errorf("operator %q is not one of In, NotIn, Exists, DoesNotExist", r.Operator)
		}
	}
	return nil
}

// Matches reports whether labels fit.
func (s *Selector) Matches(labels map[string]string) bool {
	for k, v := range s.MatchLabels {
		if have, ok := labels[k]; !ok || have != v {
			return false
		}
	}
	for i := range s.MatchExpressions {
		r := &s.MatchExpressions[i]
		have, ok := labels[r.Key]
		fits := false
		switch r.Operator {
		case "In":
			fits = ok && slices.Contains(r.Values, have)
		case "NotIn":
			fits = !ok || !slices.Contains(r.Values, have)
		case "Exists":
			fits = ok
		case "DoesNotExist":
			fits = !ok
		}
		if !fits {
			return false
		}
	}
	return true
}

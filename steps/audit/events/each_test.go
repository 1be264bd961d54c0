package events

import (
	"encoding/json"
	"strings"
	"testing"
)

// Each tells of every event, refused and reading ones too, out of whatever it was
// delivered in.
func TestEach(t *testing.T) {
	refused := strings.Replace(trail, `"eventID"`, `"errorCode":"AccessDenied","eventID"`, 1)
	log := `{"Records":[` + trail + `,` + refused + `]}
		{"Events":[{"EventId":"e-1","CloudTrailEvent":"` + quote(trail) + `"}]}
		{"version":"0","detail":` + trail + `}` + audited
	n := 0
	seen, err := Each(strings.NewReader(log), func(text json.RawMessage) error {
		n++
		if s := string(text); !strings.Contains(s, `"eventSource"`) && !strings.Contains(s, `"auditID"`) {
			t.Errorf("not the event itself: %.60s", s)
		}
		return nil
	})
	if err != nil || n != 5 || seen != 5 {
		t.Errorf("%d told, %d seen, %v", n, seen, err)
	}
	for log, want := range map[string]string{`{"Records":[{"eventName":`: "byte", `[7]`: "event 0", `8`: "neither a list"} {
		if _, err := Each(strings.NewReader(log), func(json.RawMessage) error { return nil }); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v does not say %q", log, err, want)
		}
	}
}

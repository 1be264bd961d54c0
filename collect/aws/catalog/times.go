package catalog

import (
	"encoding/json"
	"math"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
)

// times rewrites the timestamps of an exported reply, by the API's model, as
// RFC 3339 in UTC: the command line prints some services' as seconds since
// 1970 and others' with the offset of the machine it ran on.
func times(outputs map[string]api.Member, body map[string]any) {
	for k, v := range body {
		if m, ok := outputs[k]; ok {
			body[k] = timesIn(m, v, 0)
		}
	}
}

// timesIn walks one member.
func timesIn(m api.Member, v any, depth int) any {
	if depth > maxDepth {
		return v
	}
	switch t := v.(type) {
	case json.Number:
		if m.Type == "timestamp" {
			return moment(t)
		}
	case string:
		if at, err := time.Parse(time.RFC3339Nano, t); err == nil && m.Type == "timestamp" {
			return at.UTC().Format(time.RFC3339Nano)
		}
	case []any:
		if elem, ok := m.Elem(); ok {
			for i, x := range t {
				t[i] = timesIn(elem, x, depth+1)
			}
		}
	case map[string]any:
		if m.Type == "structure" {
			for _, x := range m.Members() {
				if have, ok := t[x.Name]; ok {
					t[x.Name] = timesIn(x, have, depth+1)
				}
			}
		} else if elem, ok := m.Elem(); ok {
			for k, x := range t {
				t[k] = timesIn(elem, x, depth+1)
			}
		}
	}
	return v
}

// moment renders seconds since 1970, to the microsecond that a float holds.
func moment(n json.Number) any {
	f, err := n.Float64()
	if err != nil || math.Abs(f) > 1e11 {
		return n
	}
	// The fraction is rounded apart from the seconds, as the live client does:
	// the product of the whole would lose half a microsecond.
	whole, frac := math.Modf(f)
	return time.Unix(int64(whole), int64(math.RoundToEven(frac*1e6))*1000).UTC().Format(time.RFC3339Nano)
}

package assess

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/gate/admission"
)

// BrokenGlass says of the namespaces read whose gate is open by break-glass by
// whom, until when and why, and of annotations that claim it and do not count
// why they do not, in order of the ids.
func BrokenGlass(s *estate.Snapshot, now time.Time) ([]string, error) {
	var out []string
	for n, a := range s.Assets() {
		if a.Cloud != estate.Kubernetes || !strings.HasSuffix(a.Type, "/Namespace") {
			continue
		}
		config, err := s.Config(n)
		if err != nil {
			return nil, err
		}
		var o struct {
			Metadata struct {
				Annotations map[string]string `json:"annotations"`
			} `json:"metadata"`
		}
		if json.Unmarshal(config, &o) != nil {
			continue // reported where it is understood
		}
		text := o.Metadata.Annotations[admission.GlassAnnotation]
		if text == "" {
			continue
		}
		g, err := admission.ParseGlass(text)
		switch what := strings.SplitN(fmt.Sprint(err), "\n", 2)[0]; {
		case err != nil:
			out = append(out, fmt.Sprintf("%s: no growth is let through by break-glass: %s", a.ID, what))
		case now.Before(g.Until):
			out = append(out, fmt.Sprintf("%s: growth needs no certificate until %s, by break-glass of %s: %s", a.ID, g.Until.UTC().Format(time.RFC3339), g.By, g.Reason))
		}
	}
	return out, nil
}

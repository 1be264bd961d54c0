package report

import (
	"strings"
)

// labels are the workloads' names by id as a reader tells them apart: two of one
// name get their class, or if that is the same the end of their id.
func labels(workloads []*Workload) map[string]string {
	byName := map[string][]*Workload{}
	for _, w := range workloads {
		n := orNone(w.Name, w.ID)
		byName[n] = append(byName[n], w)
	}
	out := make(map[string]string, len(workloads))
	for n, same := range byName {
		classes := map[string]int{}
		for _, w := range same {
			classes[w.Type]++
		}
		for _, w := range same {
			switch {
			case len(same) == 1:
				out[w.ID] = n
			case classes[w.Type] == 1 && w.Type != "":
				out[w.ID] = n + " (" + line(w.Type) + ")"
			default:
				out[w.ID] = n + " (" + suffix(w, same) + ")"
			}
		}
	}
	return out
}

// suffix is the shortest end of w's id, of six characters or more, that none of
// its namesakes has.
func suffix(w *Workload, same []*Workload) string {
	id := []rune(line(w.ID))
	for n := 6; n < len(id); n++ {
		end, shared := string(id[len(id)-n:]), 0
		for _, o := range same {
			if strings.HasSuffix(line(o.ID), end) {
				shared++
			}
		}
		if shared == 1 {
			return "…" + end
		}
	}
	return string(id)
}

// shortened fits labels into n columns so that no two are alike: by leaving out
// the middle, and where that makes twins, by a number at the end.
func shortened(workloads []*Workload, full map[string]string, n int) map[string]string {
	out, taken := make(map[string]string, len(workloads)), map[string]bool{}
	for _, w := range workloads {
		if l := full[w.ID]; cells(l) <= n {
			out[w.ID], taken[l] = l, true
		}
	}
	for _, w := range workloads {
		if out[w.ID] != "" {
			continue
		}
		l := middle(full[w.ID], n)
		for i := 2; taken[l]; i++ {
			mark := "~" + number(i)
			l = middle(full[w.ID], n-len(mark)) + mark
		}
		out[w.ID], taken[l] = l, true
	}
	return out
}

// sharedNames are the ids of the workloads whose name another one has too.
func sharedNames(doc *Document) map[string]bool {
	byName := map[string]int{}
	for i := range doc.Workloads {
		byName[doc.Workloads[i].Name]++
	}
	out := map[string]bool{}
	for i := range doc.Workloads {
		if w := &doc.Workloads[i]; byName[w.Name] > 1 {
			out[w.ID] = true
		}
	}
	return out
}

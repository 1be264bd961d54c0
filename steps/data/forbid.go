package data

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sevenfold-sec/sevenfold/scope"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
)

// Forbid lists the labels that lie where the policy forbids them: in an object whose
// address none of the label's approved systems names. Where a label's rules name zones or
// workloads, only the estate tells (data flows), and nothing is said here.
func Forbid(s *scope.Scope, objects []scan.Result) (out []Forbidden) {
	told := map[[2]string]bool{}
	for i := range objects {
		for _, l := range objects[i].Labels {
			for _, label := range []string{scope.LabelOf(string(l.Group)), l.Type} {
				key := [2]string{label, dirOf(objects[i].Path)}
				if told[key] || l.Group == scan.Technical {
					continue
				}
				if where, forbidden := forbidden(s, label, objects[i].Path); forbidden {
					told[key] = true
					out = append(out, Forbidden{label, objects[i].Path, fmt.Sprintf("approved are only %s", strings.Join(where, ", "))})
				}
			}
		}
	}
	return out
}

func forbidden(s *scope.Scope, label, path string) (where []string, is bool) {
	for _, r := range s.Data.Approved {
		if r.Label != label {
			continue
		}
		is = true
		for _, word := range r.Systems {
			if strings.HasPrefix(word, "zone:") || slices.ContainsFunc(s.Declared, func(d scope.Declared) bool { return d.Name == word }) || covers(word, path) {
				return nil, false
			}
			where = append(where, word)
		}
	}
	return where, is
}

// covers reports whether a word of the policy names the store or folder of a path.
func covers(word, path string) bool {
	if _, bucket, ok := strings.Cut(word, ":s3:::"); ok {
		word = "s3://" + bucket
	}
	if rest, ok := strings.CutPrefix(path, "s3://"); ok {
		name, _, _ := strings.Cut(rest, "/")
		return word == name || strings.HasPrefix(path+"/", strings.TrimSuffix(word, "/")+"/") || strings.HasPrefix(word, "s3://") && strings.HasSuffix(word, "/") && strings.HasPrefix(path, word)
	}
	if isDatabase(path) {
		return strings.HasPrefix(path+"/", strings.TrimSuffix(word, "/")+"/")
	}
	return strings.HasPrefix(filepath.Clean(path)+"/", strings.TrimSuffix(filepath.Clean(word), "/")+"/")
}

package terraform

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Bounds of a search for where resources are written.
const (
	maxSourceFiles = 2000
	maxSourceBytes = 4 << 20
	maxSourceDepth = 6
)

// Sources are the places in .tf files where resources are written.
type Sources struct{ at map[string][]place }

type place struct {
	file string
	line int
}

// block is the head of a resource block.
var block = regexp.MustCompile(`^\s*resource\s+"([^"]+)"\s+"([^"]+)"`)

// FindSources looks for resource blocks in the .tf files in and below the
// folder a plan lies in. What cannot be read is passed over: a place is a help,
// never a proof.
func FindSources(plan string) *Sources {
	s := &Sources{map[string][]place{}}
	root := filepath.Dir(plan)
	files := 0
	_ = filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // see above
		}
		rel, _ := filepath.Rel(root, path)
		if d.IsDir() {
			deep := strings.Count(rel, string(filepath.Separator)) >= maxSourceDepth
			if rel != "." && (deep || strings.HasPrefix(d.Name(), ".") && d.Name() != ".terraform" || d.Name() == "node_modules") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(d.Name(), ".tf") && !strings.HasSuffix(d.Name(), ".tofu") || !d.Type().IsRegular() {
			return nil
		}
		if files++; files > maxSourceFiles {
			return filepath.SkipAll
		}
		s.scan(path, filepath.ToSlash(rel))
		return nil
	})
	return s
}

func (s *Sources) scan(path, rel string) {
	f, err := os.Open(path)
	if err != nil {
		return
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() > maxSourceBytes {
		return
	}
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, maxSourceBytes)
	for n := 1; lines.Scan(); n++ {
		if m := block.FindStringSubmatch(lines.Text()); m != nil {
			key := m[1] + "." + m[2]
			s.at[key] = append(s.at[key], place{rel, n})
		}
	}
}

// instance is the index of an instance: [0] or ["key"].
var instance = regexp.MustCompile(`\[[^\]]*\]`)

// Locate returns the file, relative to the folder of the plan, and line of a
// resource's block. Where several modules write one of its name, the file whose
// folder bears the module's name is taken; if that leaves a doubt it is not
// known.
func (s *Sources) Locate(address string) (file string, line int, ok bool) {
	parts := strings.Split(instance.ReplaceAllString(address, ""), ".")
	if len(parts) < 2 {
		return "", 0, false
	}
	found := s.at[strings.Join(parts[len(parts)-2:], ".")]
	modules := parts[:len(parts)-2]
	if len(found) > 1 {
		found = slices.DeleteFunc(slices.Clone(found), func(p place) bool {
			dir := filepath.ToSlash(filepath.Dir(p.file))
			if len(modules) == 0 {
				return dir != "."
			}
			return filepath.Base(dir) != modules[len(modules)-1]
		})
	}
	if len(found) != 1 {
		return "", 0, false
	}
	return found[0].file, found[0].line, true
}

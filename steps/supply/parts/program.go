package parts

import (
	"archive/zip"
	"bufio"
	"bytes"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"path"
	"regexp"
	"strings"
)

// IsProgram reports whether a file's first bytes are those of a program, which may say
// what it was built from.
func IsProgram(head []byte) bool {
	for _, m := range []string{"\x7fELF", "MZ", "\xcf\xfa\xed\xfe", "\xfe\xed\xfa\xcf", "\xca\xfe\xba\xbe"} {
		if bytes.HasPrefix(head, []byte(m)) {
			return true
		}
	}
	return false
}

// ReadProgram reads which modules a program of Go was built from, and with which
// release of Go. Of any other program it says nothing.
func ReadProgram(name string, data io.ReaderAt) (a Answer) {
	f := &file{path: name, out: &a}
	defer func() {
		if p := recover(); p != nil { // debug/elf was not made for files of strangers
			a = Answer{Files: 1, Problems: []Problem{{name, fmt.Sprintf("it is damaged as a program: %v", p)}}}
		}
	}()
	info, err := buildinfo.Read(data)
	if err != nil {
		return a
	}
	a.Files = 1
	if v, ok := strings.CutPrefix(info.GoVersion, "go"); ok {
		v, _, _ = strings.Cut(v, " ")
		f.pkg("Go", "stdlib", v, true, 0)
	} else {
		f.problem("it was built by %s: which release of Go that is is not known", clip(info.GoVersion, 60))
	}
	for _, d := range info.Deps {
		if d.Replace != nil {
			d = d.Replace
		}
		if strings.HasPrefix(d.Path, ".") || strings.HasPrefix(d.Path, "/") {
			continue // a folder of one's own
		}
		f.pkg("Go", d.Path, strings.TrimPrefix(d.Version, "v"), true, 0)
	}
	return a
}

// Bounds of archives of Java.
const (
	maxJarDepth    = 3
	maxJarMembers  = 200_000
	maxJarUnpacked = 256 << 20
	maxProperties  = 64 << 10
)

// jar reads which Maven artifacts an archive of Java holds, those within those, too.
func jar(f *file) error {
	left := int64(maxJarUnpacked)
	return f.jar(f.path, f.data, 0, &left)
}

var jarName = regexp.MustCompile(`^(.+?)-(\d[0-9A-Za-z.+_-]*)\.(jar|war|ear)$`)

func (f *file) jar(name string, data []byte, depth int, left *int64) error {
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return fmt.Errorf("it cannot be read as an archive: %w", err)
	}
	if len(z.File) > maxJarMembers {
		return fmt.Errorf("more than %d members", maxJarMembers)
	}
	told := 0
	for _, m := range z.File {
		within := strings.HasSuffix(m.Name, ".jar") || strings.HasSuffix(m.Name, ".war")
		properties := strings.HasPrefix(m.Name, "META-INF/maven/") && path.Base(m.Name) == "pom.properties"
		if !within && !properties {
			continue
		}
		if *left <= 0 {
			return fmt.Errorf("it unpacks to more than %d MiB", maxJarUnpacked>>20)
		}
		most := int64(maxProperties)
		if within {
			most = *left
		}
		text, err := unpacked(m, most)
		if *left -= int64(len(text)); err != nil {
			f.problem("%s: %s", clip(printableName(m.Name), 120), err)
			continue
		}
		if !within {
			if f.properties(text) {
				told++
			}
			continue
		}
		if depth+1 > maxJarDepth {
			f.problem("archives lie deeper within each other than %d", maxJarDepth)
			continue
		}
		if err := f.jar(name+"!"+m.Name, text, depth+1, left); err != nil {
			f.problem("%s: %s", clip(printableName(m.Name), 120), err)
		}
		told++
	}
	// An archive that does not say of which group it is, its name tells in part.
	if m := jarName.FindStringSubmatch(path.Base(name)); told == 0 && m != nil {
		f.add(Part{Kind: Package, Name: m[1], Version: m[2], Pinned: true, Facts: map[string]string{"by": "the archive's name"}}, 0)
	} else if told == 0 && depth > 0 {
		f.problem("%s does not say what it is", clip(printableName(path.Base(name)), 120))
	}
	return nil
}

func printableName(s string) string { return strings.ToValidUTF8(s, "?") }

func unpacked(m *zip.File, most int64) ([]byte, error) {
	if m.Flags&1 != 0 {
		return nil, errors.New("it is encrypted")
	}
	r, err := m.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(r, most+1))
	switch {
	case err != nil:
		return nil, err
	case int64(len(text)) > most:
		return nil, fmt.Errorf("it unpacks to more than the %d bytes that are left", most)
	}
	return text, nil
}

// properties reads a pom.properties.
func (f *file) properties(text []byte) bool {
	set := map[string]string{}
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		if k, v, ok := strings.Cut(s.Text(), "="); ok {
			set[strings.TrimSpace(k)] = strings.TrimSpace(v)
		}
	}
	if set["groupId"] == "" || set["artifactId"] == "" || strings.Contains(set["version"], "${") {
		return false
	}
	f.pkg("Maven", set["groupId"]+":"+set["artifactId"], set["version"], true, 0)
	return true
}

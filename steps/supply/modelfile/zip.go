package modelfile

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
)

// zip reads a zip archive of any kind and returns which kind it is.
func (s *scanner) zip(it item) string {
	d, err := s.findDirectory(it)
	if err != nil {
		s.find(it, "zip-broken", Undecided, -1, "", err.Error())
		return "zip"
	}
	// Torch takes the directory's offsets as they are; Python moves them by what
	// lies in front. Both views are read where they differ.
	at, shift := d.offset, int64(0)
	if h := s.head(it, at, 4); d.count > 0 && string(h) != "PK\x01\x02" {
		at, shift = d.offset+d.shift, d.shift
	} else if d.shift != 0 && d.count > 0 {
		if h := s.head(it, d.offset+d.shift, 4); string(h) == "PK\x01\x02" {
			s.find(it, "zip-ambiguous", Medium, d.offset, "CWE-436", "it holds two central directories, and readers differ in which they use")
			s.zipAt(it, d, d.offset+d.shift, d.shift)
		}
	}
	if shift > 0 {
		s.find(it, "zip-prefixed", Low, 0, "", fmt.Sprintf("%d bytes lie before the archive", shift))
	}
	return s.zipAt(it, d, at, shift)
}

func (s *scanner) zipAt(it item, d directory, at, shift int64) string {
	entries, err := s.entries(it, at, d)
	if err != nil {
		s.find(it, "zip-broken", Undecided, at, "", err.Error())
	}
	names := map[string]bool{}
	for i := range entries {
		e := &entries[i]
		s.local(it, e, shift)
		if names[e.name] && !e.directoryEntry {
			s.find(it, "zip-duplicate", Medium, e.header, "CWE-436", fmt.Sprintf("two members are named %.80q; readers differ in which they take", e.name))
		}
		names[e.name] = true
	}
	k := zipKind(it, names)
	entries = s.overlapping(it, entries)
	if s.tensors != nil && strings.HasPrefix(k.format, "torch") {
		s.records = map[string]entry{}
		for _, e := range entries {
			s.records[strings.TrimPrefix(e.name, k.root)] = e
		}
		s.recordsOf = it
		defer func() { s.records = nil }()
	}
	list := slices.Collect(maps.Keys(names))
	for _, e := range entries {
		if !e.directoryEntry {
			s.zipMember(it, e, k, list)
		}
	}
	if end := lastByte(entries); end >= 0 && at-end > 64 {
		s.find(it, "zip-gap", Low, end, "", fmt.Sprintf("%d bytes before the central directory belong to no member", at-end))
	}
	s.zipKindChecks(it, k)
	return k.format
}

// overlapping drops the members with which an archive holds more than twice what
// its file does: their content overlaps, which multiplies the work of reading it.
func (s *scanner) overlapping(it item, entries []entry) []entry {
	total := int64(0)
	for i, e := range entries {
		if total += max(e.packed, 0); total > 2*it.size {
			s.find(it, "zip-overlap", Medium, e.header, "CWE-409", fmt.Sprintf("its members overlap; the last %d were not read", len(entries)-i))
			return entries[:i]
		}
	}
	return entries
}

// lastByte is where the content of the last member ends, -1 if a member has none.
func lastByte(entries []entry) int64 {
	end := int64(0)
	for _, e := range entries {
		if e.data < 0 {
			return -1
		}
		end = max(end, e.data+e.packed)
	}
	return end
}

// kindOfZip is what an archive is to its loader.
type kindOfZip struct {
	format string
	root   string // folder of a torch archive, with its slash
}

func zipKind(it item, names map[string]bool) kindOfZip {
	var torch, script kindOfZip
	for n := range names {
		// Torch finds its records whatever their case.
		switch base := strings.ToLower(path.Base(n)); base {
		case "data.pkl":
			torch = kindOfZip{"torch", n[:len(n)-len(base)]}
		case "constants.pkl":
			script = kindOfZip{"torchscript", n[:len(n)-len(base)]}
		}
	}
	if script.format != "" {
		return script
	}
	if torch.format != "" {
		return torch
	}
	for n := range names {
		if root, ok := strings.CutSuffix(n, "models/model.json"); ok && names[root+"archive_format"] {
			return kindOfZip{"torch-export", root}
		}
	}
	switch {
	case names["config.json"] && names["metadata.json"] && (it.ext() == ".keras" || names["model.weights.h5"]):
		return kindOfZip{"keras", ""}
	case names["schema.json"]:
		return kindOfZip{"skops", ""}
	case it.ext() == ".npz":
		return kindOfZip{"npz", ""}
	case names["MAR-INF/MANIFEST.json"]:
		return kindOfZip{"torch-mar", ""}
	}
	npy := len(names) > 0
	for n := range names {
		npy = npy && strings.HasSuffix(n, ".npy")
	}
	if npy {
		return kindOfZip{"npz", ""}
	}
	return kindOfZip{"zip", ""}
}

func (s *scanner) zipMember(it item, e entry, k kindOfZip, names []string) {
	self := item{path: it.path + "!" + printable(e.name)}
	if escapes(e.name) {
		s.find(self, "path-traversal", High, e.header, "CWE-22", fmt.Sprintf("the member's name %.80q leaves the folder it is unpacked to", e.name))
	}
	if e.localDiffers != "" {
		sev := Medium
		if e.data < 0 {
			sev = Undecided
		}
		s.find(self, "zip-mismatch", sev, e.header, "CWE-436", "the two headers of "+e.name+" disagree: "+e.localDiffers)
	}
	if e.data < 0 {
		return
	}
	as := zipRole(e, k)
	if e.flags&1 != 0 {
		s.encrypted(it, self, e, as)
		return
	}
	if e.method == 0 {
		if e.size != e.packed {
			s.find(self, "zip-mismatch", Medium, e.header, "CWE-436", "a stored member has two different sizes")
		}
		s.checksum(self, e, io.NewSectionReader(it.r, e.data, e.packed))
		s.member(it, e.name, io.NewSectionReader(it.r, e.data, e.packed), e.packed, as, names)
		return
	}
	if as == roleTensor {
		// What is inside is copied, not read; nothing is learnt by unpacking it.
		s.rep.Members = append(s.rep.Members, Member{Path: self.path, Format: "tensor", Size: e.size})
		s.members++
		return
	}
	r, n, ok := s.unpack(self, "the member", e.packed, s.open(it, e))
	if !ok {
		return
	}
	if n != e.size {
		s.find(self, "zip-mismatch", Medium, e.header, "CWE-436", fmt.Sprintf("the member unpacks to %d bytes and announces %d", n, e.size))
	}
	s.checksum(self, e, io.NewSectionReader(r, 0, n))
	s.member(it, e.name, r, n, as, names)
}

// checksum compares the checksum of small members; torch ignores it, and a
// reader that does not refuses the file, so that scanner and loader differ.
func (s *scanner) checksum(self item, e entry, r *io.SectionReader) {
	if r.Size() > 1<<20 {
		return
	}
	h := crc32.NewIEEE()
	if _, err := io.Copy(h, r); err != nil || h.Sum32() == e.crc {
		return
	}
	s.find(self, "zip-checksum", Medium, e.header, "CWE-354", "the member's checksum is wrong; torch loads it all the same")
}

// encrypted tries a member that is flagged as encrypted as if it were not: torch
// ignores the flag.
func (s *scanner) encrypted(it, self item, e entry, as role) {
	before := s.worst[self.path]
	if r, err := inflate(e.method, io.NewSectionReader(it.r, e.data, e.packed), e.size); err == nil && e.size < s.lim.Memory {
		if b, err := io.ReadAll(io.LimitReader(r, e.size)); err == nil && int64(len(b)) == e.size {
			m := item{path: self.path, r: bytesAt(b), size: e.size, role: as}
			if res, err := s.strictPickle(m); err == nil && armed(res) {
				s.pickleFile(m)
				s.find(self, "zip-flag", Medium, e.header, "CWE-436", "the member is flagged as encrypted and is not")
			}
		}
	}
	if s.worst[self.path] <= max(before, 1) {
		s.find(self, "encrypted", Undecided, e.header, "", "the member is encrypted and could not be read")
	}
	s.members++
	s.rep.Members = append(s.rep.Members, Member{Path: self.path, Format: "encrypted", Size: e.size})
}

// zipRole says what an archive's loader does with a member.
func zipRole(e entry, k kindOfZip) role {
	// A second archive may lie in the same file under another root: what is named
	// as a pickle is read as one wherever it lies.
	name := strings.ToLower(e.name)
	if strings.HasSuffix(name, ".pkl") && k.format != "zip" {
		return rolePickle
	}
	rel, inside := strings.CutPrefix(name, strings.ToLower(k.root))
	switch k.format {
	case "torch", "torchscript":
		switch {
		case !inside:
		case strings.HasPrefix(rel, "data/"), strings.HasPrefix(rel, "constants/"), strings.HasPrefix(rel, "tensors/"), strings.HasPrefix(rel, "xl_model_weights/"):
			return roleTensor
		case strings.HasPrefix(rel, "code/"):
			return roleCode
		case rel == "version" || rel == "byteorder" || strings.HasPrefix(rel, ".data/") || rel == ".format_version" || rel == ".storage_alignment":
			return roleTensor
		}
	case "torch-export":
		if inside && (strings.HasPrefix(rel, "data/weights/") || strings.HasPrefix(rel, "data/constants/")) && !strings.HasSuffix(rel, ".pt") && !strings.HasSuffix(rel, ".json") || rel == "version" || rel == "byteorder" || strings.HasPrefix(rel, ".data/") {
			return roleTensor
		}
	case "keras":
		return roleKeras
	}
	return roleNone
}

// escapes says whether unpacking a member by its name writes elsewhere.
func escapes(name string) bool {
	n := strings.ReplaceAll(name, `\`, "/")
	if strings.HasPrefix(n, "/") || len(n) > 1 && n[1] == ':' {
		return true
	}
	return n == ".." || strings.HasPrefix(path.Clean(n), "../") || strings.Contains("/"+n+"/", "/../")
}

// zipKindChecks looks at what only the whole archive shows.
func (s *scanner) zipKindChecks(it item, k kindOfZip) {
	if k.format == "torch-mar" {
		s.find(it, "archive-code", Medium, -1, "CWE-829", "a model archive for TorchServe: its handler is code that the server runs")
	}
}

var errMethod = errors.New("a compression method that is not read here")

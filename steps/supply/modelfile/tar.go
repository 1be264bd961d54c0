package modelfile

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// isTar recognises a tar archive by its magic, or by the checksum of its first
// header where the archive is older than the magic.
func isTar(h []byte, _ item) bool {
	if len(h) < 512 {
		return false
	}
	if string(h[257:262]) == "ustar" {
		return true
	}
	want, err := strconv.ParseInt(strings.Trim(string(h[148:156]), " \x00"), 8, 64)
	if err != nil || h[0] == 0 {
		return false
	}
	sum := int64(8 * ' ')
	for i, c := range h[:512] {
		if i < 148 || i >= 156 {
			sum += int64(c)
		}
	}
	return sum == want
}

// tar reads a tar archive: NeMo models, R packages, and what torch wrote before
// version 0.2.
func (s *scanner) tar(it item) string {
	src := io.NewSectionReader(it.r, 0, it.size)
	t := tar.NewReader(struct{ io.ReadSeeker }{src})
	names := map[string]bool{}
	format := "tar"
	for s.ctx.Err() == nil && s.members <= s.lim.Members {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			s.find(it, "tar-broken", Undecided, -1, "", "the archive breaks off: "+err.Error())
			break
		}
		self := item{path: it.path + "!" + printable(h.Name)}
		if escapes(h.Name) {
			s.find(self, "path-traversal", High, -1, "CWE-22", fmt.Sprintf("the member's name %.80q leaves the folder it is unpacked to", h.Name))
		}
		switch h.Typeflag {
		case tar.TypeSymlink, tar.TypeLink:
			if escapes(h.Linkname) {
				s.find(self, "link-traversal", High, -1, "CWE-59", fmt.Sprintf("a link to %.80q, outside the archive", h.Linkname))
			}
		case tar.TypeChar, tar.TypeBlock, tar.TypeFifo:
			s.find(self, "device", High, -1, "CWE-552", "a device or pipe in an archive of data")
		case tar.TypeReg:
			if names[h.Name] {
				s.find(it, "tar-duplicate", Medium, -1, "CWE-436", fmt.Sprintf("two members are named %.80q", h.Name))
			}
			names[h.Name] = true
			s.tarMember(it, t, src, h)
		case tar.TypeDir, tar.TypeXGlobalHeader:
		default:
			s.find(self, "tar-type", Undecided, -1, "", fmt.Sprintf("a member of type %q is not read", h.Typeflag))
		}
	}
	switch {
	case names["pickle"] && names["storages"]:
		format = "torch-tar"
	case names["model_config.yaml"] || names["./model_config.yaml"]:
		format = "nemo"
	}
	return format
}

func (s *scanner) tarMember(it item, t *tar.Reader, src *io.SectionReader, h *tar.Header) {
	as := roleNone
	switch h.Name {
	case "storages", "tensors":
		// Torch's first format: numbers as pickles, then raw bytes.
		as = roleTensor
	case "pickle", "sys_info":
		as = rolePickle
	}
	// The reader stands at the content, which lies in the file as it is unless
	// the member is sparse.
	at, err := src.Seek(0, io.SeekCurrent)
	if err != nil || at+h.Size > it.size || sparse(h) {
		s.find(item{path: it.path + "!" + printable(h.Name)}, "tar-broken", Undecided, at, "", "the member reaches beyond the file, or is sparse")
		return
	}
	s.member(it, strings.TrimPrefix(h.Name, "./"), io.NewSectionReader(it.r, at, h.Size), h.Size, as, nil)
}

func sparse(h *tar.Header) bool {
	for k := range h.PAXRecords {
		if strings.HasPrefix(k, "GNU.sparse") {
			return true
		}
	}
	return h.Typeflag == tar.TypeGNUSparse
}

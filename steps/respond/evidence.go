package respond

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/steps/respond/playbook"
)

// MaxEvidence bounds one file of evidence, in bytes.
const MaxEvidence = 1 << 30

// Preserve keeps a copy of a file as evidence, or writes down that something is held
// where it is, or why there is nothing; the first one moves the incident on.
func (d Desk) Preserve(id, by string, e Evidence, file string) (*Incident, error) {
	return d.change(id, func(i *Incident) ([]change, error) {
		if by == "" {
			return nil, errors.New("who preserves it is not said\nhint: --by NAME")
		}
		if slices.Index(States(), i.State) < slices.Index(States(), Triaged) {
			return nil, &OrderError{i.ID, i.State, Preserved, "it has to be triaged first", i.Next}
		}
		switch {
		case e.Nothing != "" && i.lawful():
			return nil, fmt.Errorf("%s: %s asks for evidence; that there is none is no reason\nhint: --what TEXT --file PATH, or --held WHERE", i.ID, strings.Join(i.Triage.Laws, ", "))
		case e.Nothing == "" && (strings.TrimSpace(e.What) == "" || file == "" && e.Held == ""):
			return nil, errors.New("what is preserved, and where, is not said\nhint: --what TEXT with --file PATH or --held WHERE, or --nothing REASON")
		}
		if file != "" {
			dir, err := d.folder(id)
			if err != nil {
				return nil, err
			}
			if e.File, e.SHA256, e.Bytes, err = keep(filepath.Join(dir, "evidence"), file); err != nil {
				return nil, err
			}
		}
		list := []change{{eventEvidence, by, e}}
		if i.State == Triaged {
			c, err := i.move(Preserved, by, "")
			if err != nil {
				return nil, err
			}
			list = append(list, c)
		}
		return list, nil
	})
}

// keep copies a file under its hash, and makes the copy unwritable.
func keep(dir, file string) (name, hash string, size int64, err error) {
	info, err := os.Stat(file)
	if err != nil {
		return "", "", 0, err
	}
	if !info.Mode().IsRegular() || info.Size() > MaxEvidence {
		return "", "", 0, fmt.Errorf("%s is no regular file of at most %d bytes", file, MaxEvidence)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", "", 0, err
	}
	in, err := os.Open(file)
	if err != nil {
		return "", "", 0, err
	}
	defer in.Close()
	out, err := os.CreateTemp(dir, ".keep-*")
	if err != nil {
		return "", "", 0, err
	}
	defer os.Remove(out.Name()) //nolint:errcheck // gone after the rename
	h := sha256.New()
	size, err = io.Copy(io.MultiWriter(out, h), io.LimitReader(in, MaxEvidence+1))
	if err == nil && size > MaxEvidence {
		err = fmt.Errorf("%s grew beyond %d bytes while it was copied", file, MaxEvidence)
	}
	err = errors.Join(err, out.Sync(), out.Chmod(0o400), out.Close())
	if err != nil {
		return "", "", 0, err
	}
	hash = hex.EncodeToString(h.Sum(nil))
	name = hash[:16] + "-" + safeName(filepath.Base(file))
	return name, hash, size, os.Rename(out.Name(), filepath.Join(dir, name))
}

func hashText(s string) string {
	h := sha256.Sum256([]byte(s))
	return hex.EncodeToString(h[:])
}

// safeName keeps letters, digits, dots and hyphens.
func safeName(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '_'
	}, s)
}

// Manifest says what is in an export, by hash.
type Manifest struct {
	Schema   string            `json:"schema"`
	Incident string            `json:"incident"`
	Exported time.Time         `json:"exported"`
	Head     string            `json:"head"` // hash of the journal's last event
	Files    map[string]string `json:"files"`
}

const manifestSchema = "sevenfold/incident-export/v1"

// Export copies an incident with its evidence and runs into a new folder, with a signed
// manifest, so that any alteration shows.
func (d Desk) Export(id, to string, key ed25519.PrivateKey) (*Manifest, error) {
	i, err := d.Show(id)
	if err != nil {
		return nil, err
	}
	dir, err := d.folder(id)
	if err != nil {
		return nil, err
	}
	if err := d.whole(i, dir); err != nil {
		return nil, err
	}
	if err := os.Mkdir(to, 0o700); err != nil {
		return nil, fmt.Errorf("%w\nhint: give a folder that is not there yet", err)
	}
	m := &Manifest{Schema: manifestSchema, Incident: id, Exported: d.now(), Head: i.Head, Files: map[string]string{}}
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasSuffix(path, ".run") {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		into := filepath.Join(to, rel)
		if err := os.MkdirAll(filepath.Dir(into), 0o700); err != nil {
			return err
		}
		m.Files[filepath.ToSlash(rel)], err = copyFile(path, into)
		return err
	})
	if err != nil {
		return nil, err
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	sig := base64.StdEncoding.EncodeToString(ed25519.Sign(key, text))
	return m, errors.Join(os.WriteFile(filepath.Join(to, "MANIFEST.json"), text, 0o600), os.WriteFile(filepath.Join(to, "MANIFEST.sig"), []byte(sig+"\n"), 0o600))
}

// whole refuses an incident of which something is not as its journal says: evidence that
// was altered or is gone, a run whose journal is. What is signed has to be what was kept.
func (d Desk) whole(i *Incident, dir string) error {
	var errs []error
	const mend = "\nhint: the state was altered; restore it from a copy, and export that"
	for _, e := range i.Evidence {
		if e.File == "" {
			continue
		}
		if err := hashIs(filepath.Join(dir, "evidence", e.File), "evidence "+e.File, e.SHA256); err != nil {
			errs = append(errs, fmt.Errorf("%w"+mend, err))
		}
	}
	for _, name := range i.Runs {
		j, err := d.Run(i.ID, name)
		if err == nil {
			_, _, err = playbook.Of(j)
			err = errors.Join(err, j.Close())
		}
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func copyFile(from, to string) (hash string, err error) {
	in, err := os.Open(from)
	if err != nil {
		return "", err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(out, h), in)
	return hex.EncodeToString(h.Sum(nil)), errors.Join(err, out.Close())
}

// VerifyExport checks an export: the signature and every file. That the chains of the
// journals and the evidence were whole, Export saw to.
// The error names the first place that is not as it was exported.
func VerifyExport(dir string, key ed25519.PublicKey) (*Manifest, error) {
	text, err := os.ReadFile(filepath.Join(dir, "MANIFEST.json"))
	if err != nil {
		return nil, err
	}
	sig, err := os.ReadFile(filepath.Join(dir, "MANIFEST.sig"))
	if err != nil {
		return nil, err
	}
	raw, err := base64.StdEncoding.DecodeString(string(bytes.TrimSpace(sig)))
	if err != nil || !ed25519.Verify(key, text, raw) {
		return nil, errors.New("MANIFEST.json is not what the key signed")
	}
	var m Manifest
	if err := json.Unmarshal(text, &m); err != nil || m.Schema != manifestSchema {
		return nil, errors.New("MANIFEST.json is no manifest of an incident")
	}
	seen := map[string]bool{}
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if rel == "MANIFEST.json" || rel == "MANIFEST.sig" {
			return nil
		}
		want, ok := m.Files[rel]
		if !ok {
			return fmt.Errorf("%s was not exported", rel)
		}
		seen[rel] = true
		return hashIs(path, rel, want)
	})
	if err != nil {
		return nil, err
	}
	for rel := range m.Files {
		if !seen[rel] {
			return nil, fmt.Errorf("%s is missing", rel)
		}
	}
	return &m, nil
}

func hashIs(path, rel, want string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return err
	}
	if hex.EncodeToString(h.Sum(nil)) != want {
		return fmt.Errorf("%s was altered", rel)
	}
	return nil
}

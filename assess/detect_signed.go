package assess

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf"
)

// signName is the file that CloudTrail Lake lays beside the results of a query: which files
// there are and the sum of each (User Guide, "CloudTrail sign file structure"). Whether
// CloudTrail signed it only AWS's own keys tell, which aws cloudtrail verify-query-results
// asks for.
const signName = "result_sign.json"

// maxSign bounds such a file; a query delivers some thousands of files at most.
const maxSign = 4 << 20

func isSign(name string) bool { return filepath.Base(name) == signName }

// isDigest reports whether a path or key is of CloudTrail's digests: sums of files, no events.
func isDigest(name string) bool {
	return strings.Contains(filepath.ToSlash(name), "/CloudTrail-Digest/")
}

// signed holds files of results against the sign file beside them, and calls reject for each
// that is not there or not as it was delivered.
func signed(name string, reject func(path string, r *ocsf.Rejected)) {
	said, err := readSign(name)
	if err != nil {
		reject(name, &ocsf.Rejected{Reason: "it does not say which results were delivered, so that one that is missing or was changed is not noticed: " + err.Error()})
		return
	}
	for _, f := range said {
		path := filepath.Join(filepath.Dir(name), f.Name)
		switch sum, err := sumOf(path); {
		case errors.Is(err, os.ErrNotExist):
			reject(path, &ocsf.Rejected{Reason: signName + " names it, and it is not here: the events in it are missing"})
		case err != nil:
			reject(path, &ocsf.Rejected{Reason: "it could not be held against " + signName + ": " + err.Error()})
		case !strings.EqualFold(sum, f.Sum):
			reject(path, &ocsf.Rejected{Reason: "it is not as CloudTrail delivered it: its SHA-256 is not the one in " + signName + "; what it holds counts all the same"})
		}
	}
}

// result is one delivered file.
type result struct {
	Name string `json:"fileName"`
	Sum  string `json:"fileHashValue"`
}

func readSign(name string) ([]result, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is no file that can be read")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var doc struct {
		Files     []result `json:"files"`
		Algorithm string   `json:"hashAlgorithm"`
	}
	if err := json.NewDecoder(newBounded(f, maxSign)).Decode(&doc); err != nil {
		return nil, err
	}
	switch {
	case len(doc.Files) == 0:
		return nil, errors.New("it names no file")
	case doc.Algorithm != "SHA-256":
		return nil, fmt.Errorf("its sums are of %.20q, not SHA-256", doc.Algorithm)
	}
	for _, r := range doc.Files {
		if filepath.Base(r.Name) != r.Name || r.Name == ".." || r.Name == "." {
			return nil, fmt.Errorf("it names %.80q, which is not beside it", r.Name)
		}
	}
	return doc.Files, nil
}

// sumOf is the SHA-256 of a file, in hexadecimal.
func sumOf(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", errors.New("it is no file that can be read")
	}
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// holdsLog reports whether a file below a folder that was named is a log of events: by its
// name; where many other things bear the like (a table, a packed file without an ending, as
// CloudWatch Logs exports them), by how it begins too.
func holdsLog(name string) bool {
	low := strings.ToLower(name)
	bare, packed := strings.CutSuffix(low, ".gz")
	switch {
	case isDigest(name):
		return false
	case isLog(name):
		return true
	case !strings.HasSuffix(bare, ".csv") && (!packed || filepath.Ext(bare) != ""):
		return false
	}
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return false
	}
	in, closeAll, err := openLog(name)
	if err != nil {
		return packed // what cannot be unpacked is told by who reads it
	}
	defer closeAll()
	head, _ := io.ReadAll(io.LimitReader(in, headBytes))
	return ocsf.Looks(head)
}

package assess

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"

	"github.com/sevenfold-sec/sevenfold/gate/certificate"
	"github.com/sevenfold-sec/sevenfold/steps/access"
)

// accessEvidence adds to a bundle what the access criteria rest on beside the
// snapshot: what logs say, and the records of reviews.
func accessEvidence(files map[string][]byte, b access.Beside) error {
	if b.Usage.Empty() && len(b.Reviews) == 0 && b.Refused == "" {
		return nil
	}
	var packed bytes.Buffer
	zip := gzip.NewWriter(&packed)
	if err := json.NewEncoder(zip).Encode(b); err != nil {
		return err
	}
	if err := zip.Close(); err != nil {
		return err
	}
	files[certificate.AccessFile] = packed.Bytes()
	return nil
}

// accessAgain reads it. The certificate's digests say that it is what was put there.
func accessAgain(bundle certificate.Bundle) (b access.Beside, err error) {
	if !bundle.Has(certificate.AccessFile) {
		return b, nil
	}
	f, err := os.Open(bundle.Path(certificate.AccessFile))
	if err != nil {
		return b, err
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err == nil {
		err = json.NewDecoder(newBounded(zip, maxEvidence)).Decode(&b)
	}
	if err != nil {
		return b, fmt.Errorf("%s: %w", certificate.AccessFile, err)
	}
	return b, nil
}

// Command gen condenses botocore's published service models (Apache-2.0) into
// the read-only model that package api embeds. Its input is botocore's data
// folder; its output is a function of that folder and of this program alone,
// so two runs give the same bytes.
//
//	go run ./gen -data PATH/TO/botocore/data -out model.bin
//
// Which services and operations go in is stated in select.go. What is left out
// on purpose (whatever mints credentials or returns stored content) is stated
// there too, and package api's tests hold that line.
package main

import (
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"

	"github.com/klauspost/compress/zstd"
)

func main() {
	data := flag.String("data", "", "botocore's data folder")
	out := flag.String("out", "model.bin", "file to write")
	verbose := flag.Bool("v", false, "print the size of each service")
	flag.Parse()
	if err := run(*data, *out, *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(data, out string, verbose bool) error {
	if data == "" {
		return fmt.Errorf("flag -data is required: the folder botocore/data of an installed botocore")
	}
	sections := map[string]string{}
	parts, err := readPartitions(data)
	if err != nil {
		return err
	}
	ends := newEndpointTable(parts)
	for _, s := range services {
		m, err := readService(data, s.name)
		if err != nil {
			return err
		}
		text, err := condense(s, m)
		if err != nil {
			return fmt.Errorf("service %s: %w", s.name, err)
		}
		sections[s.name] = text
		if err := ends.add(s.name, m); err != nil {
			return fmt.Errorf("endpoints of %s: %w", s.name, err)
		}
	}
	if sections["@endpoints"], err = ends.text(); err != nil {
		return err
	}
	return write(out, sections, verbose)
}

// write lays the sections out as the text index "name packed raw\n"… ended by
// an empty line, followed by the packed sections in the same order.
func write(out string, sections map[string]string, verbose bool) error {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	names := make([]string, 0, len(sections))
	for n := range sections {
		names = append(names, n)
	}
	sort.Strings(names)
	var index, body []byte
	for _, n := range names {
		packed := enc.EncodeAll([]byte(sections[n]), nil)
		index = fmt.Appendf(index, "%s %d %d\n", n, len(packed), len(sections[n]))
		body = append(body, packed...)
		if verbose {
			fmt.Printf("%-28s %7d packed %8d raw\n", n, len(packed), len(sections[n]))
		}
	}
	index = append(index, '\n')
	return os.WriteFile(out, append(index, body...), 0o644)
}

// source is one service as botocore publishes it.
type source struct {
	model struct {
		Metadata   map[string]any      `json:"metadata"`
		Operations map[string]srcOp    `json:"operations"`
		Shapes     map[string]srcShape `json:"shapes"`
	}
	pages struct {
		Pagination map[string]srcPager `json:"pagination"`
	}
	rules json.RawMessage
}

type srcOp struct {
	HTTP     struct{ Method, RequestURI string } `json:"http"`
	Input    *srcRef                             `json:"input"`
	Output   *srcRef                             `json:"output"`
	Endpoint struct{ HostPrefix string }         `json:"endpoint"`
}

type srcRef struct {
	Shape           string `json:"shape"`
	Location        string `json:"location"`
	LocationName    string `json:"locationName"`
	QueryName       string `json:"queryName"`
	TimestampFormat string `json:"timestampFormat"`
	ResultWrapper   string `json:"resultWrapper"`
	Flattened       bool   `json:"flattened"`
	XMLAttribute    bool   `json:"xmlAttribute"`
	HostLabel       bool   `json:"hostLabel"`
	Streaming       bool   `json:"streaming"`
	JSONValue       bool   `json:"jsonvalue"`
}

type srcShape struct {
	Type string `json:"type"`
	srcRef
	Members   map[string]srcRef `json:"members"`
	Required  []string          `json:"required"`
	Member    *srcRef           `json:"member"`
	Key       *srcRef           `json:"key"`
	Value     *srcRef           `json:"value"`
	Payload   string            `json:"payload"`
	Document  bool              `json:"document"`
	Sensitive bool              `json:"sensitive"`
	Enum      []string          `json:"enum"`
}

type srcPager struct {
	InputToken  any    `json:"input_token"`
	OutputToken any    `json:"output_token"`
	MoreResults string `json:"more_results"`
	LimitKey    string `json:"limit_key"`
	ResultKey   any    `json:"result_key"`
}

func (m *source) meta(key string) string {
	s, _ := m.model.Metadata[key].(string)
	return s
}

func readService(data, name string) (*source, error) {
	dirs, err := filepath.Glob(filepath.Join(data, name, "*", "service-2.json*"))
	if err != nil || len(dirs) == 0 {
		return nil, fmt.Errorf("no model of %s under %s", name, data)
	}
	sort.Strings(dirs)
	dir := filepath.Dir(dirs[len(dirs)-1]) // the newest API version
	m := &source{}
	if err := readJSON(filepath.Join(dir, "service-2.json"), &m.model); err != nil {
		return nil, err
	}
	// Not every service has paginators; the others page by convention.
	if err := readJSON(filepath.Join(dir, "paginators-1.json"), &m.pages); err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	return m, readJSON(filepath.Join(dir, "endpoint-rule-set-1.json"), &m.rules)
}

// readJSON reads path, or path.gz where botocore ships that.
func readJSON(path string, into any) error {
	f, err := os.Open(path)
	var r io.Reader = f
	if os.IsNotExist(err) {
		if f, err = os.Open(path + ".gz"); err != nil {
			return err
		}
		z, zerr := gzip.NewReader(f)
		if zerr != nil {
			return fmt.Errorf("%s.gz: %w", path, zerr)
		}
		r = z
	} else if err != nil {
		return err
	}
	defer f.Close()
	if err := json.NewDecoder(r).Decode(into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

package modelfile

import (
	_ "embed"
	"encoding/binary"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// Operators of TensorFlow that reach beyond tensors, with what they do. Field
// numbers are those of saved_model.proto, meta_graph.proto, graph.proto,
// function.proto and node_def.proto.
var tensorflowOps = map[string]struct {
	sev  Severity
	cwe  string
	text string
}{
	"ReadFile": {High, "CWE-73", "reads a file"}, "WriteFile": {High, "CWE-73", "writes a file"}, "MatchingFiles": {High, "CWE-73", "lists files"},
	"PyFunc": {High, "CWE-94", "runs Python code of the process"}, "PyFuncStateless": {High, "CWE-94", "runs Python code of the process"},
	"EagerPyFunc": {High, "CWE-94", "runs Python code of the process"}, "NumpyFunction": {High, "CWE-94", "runs Python code of the process"},
	"LoadDataset": {Medium, "CWE-73", "reads a data set from files"}, "SaveDataset": {High, "CWE-73", "writes files"}, "SaveDatasetV2": {High, "CWE-73", "writes files"},
	"DatasetToTFRecord": {High, "CWE-73", "writes files"}, "ExperimentalDatasetToTFRecord": {High, "CWE-73", "writes files"},
	"ImmutableConst": {High, "CWE-125", "maps a file or memory region"}, "TextLineDataset": {Medium, "CWE-73", "reads files"}, "TFRecordDataset": {Medium, "CWE-73", "reads files"},
	"FixedLengthRecordDataset": {Medium, "CWE-73", "reads files"}, "FixedLengthRecordDatasetV2": {Medium, "CWE-73", "reads files"}, "CSVDataset": {Medium, "CWE-73", "reads files"}, "SqlDataset": {High, "CWE-73", "queries a data base"},
	"WholeFileReaderV2": {Medium, "CWE-73", "reads files"}, "TextLineReaderV2": {Medium, "CWE-73", "reads files"}, "TFRecordReaderV2": {Medium, "CWE-73", "reads files"}, "FixedLengthRecordReaderV2": {Medium, "CWE-73", "reads files"},
	"DebugIdentityV2": {High, "CWE-918", "sends tensors to a debugger"}, "DebugIdentityV3": {High, "CWE-918", "sends tensors to a debugger"}, "DebugIdentity": {High, "CWE-918", "sends tensors to a debugger"},
	"DebugNumericSummary": {Medium, "CWE-918", "sends figures to a debugger"}, "WriteSummary": {Medium, "CWE-73", "writes event files"}, "CreateSummaryFileWriter": {Medium, "CWE-73", "writes event files"},
	"RpcServer": {High, "CWE-918", "opens a server"}, "RpcClient": {High, "CWE-918", "opens a connection"}, "DataServiceDataset": {High, "CWE-918", "opens a connection"}, "DataServiceDatasetV2": {High, "CWE-918", "opens a connection"}, "DataServiceDatasetV4": {High, "CWE-918", "opens a connection"}, "RegisterDataset": {High, "CWE-918", "opens a connection"},
	"Rpc": {High, "CWE-918", "opens a connection"}, "TryRpc": {High, "CWE-918", "opens a connection"}, "ShellExecute": {High, "CWE-78", "runs a command"}, "ConfigureDistributedTPU": {Low, "", "sets up processors"},
	"LMDBDataset": {Medium, "CWE-73", "reads files"}, "CSVDatasetV2": {Medium, "CWE-73", "reads files"}, "TFRecordDatasetV2": {Medium, "CWE-73", "reads files"}, "LMDBReader": {Medium, "CWE-73", "reads files"}, "TextLineReader": {Medium, "CWE-73", "reads files"},
	"WholeFileReader": {Medium, "CWE-73", "reads files"}, "FixedLengthRecordReader": {Medium, "CWE-73", "reads files"}, "TFRecordReader": {Medium, "CWE-73", "reads files"}, "IdentityReader": {Low, "", "reads a queue"},
	"SnapshotDataset": {High, "CWE-73", "writes files"}, "SnapshotDatasetV2": {High, "CWE-73", "writes files"}, "DistributedSave": {High, "CWE-73", "writes files"}, "CacheDataset": {Medium, "CWE-73", "may write files"}, "CacheDatasetV2": {Medium, "CWE-73", "may write files"},
	"GenerateVocabRemapping": {Medium, "CWE-73", "reads files"}, "LoadAndRemapMatrix": {Medium, "CWE-73", "reads files"}, "WriteRawProtoSummary": {Medium, "CWE-73", "writes event files"}, "WriteGraphSummary": {Medium, "CWE-73", "writes event files"}, "CreateSummaryDbWriter": {High, "CWE-73", "writes a data base"},
	"RegisterDatasetV2": {High, "CWE-918", "opens a connection"}, "DataServiceDatasetV3": {High, "CWE-918", "opens a connection"}, "RpcCall": {High, "CWE-918", "opens a connection"}, "FileSystemSetConfiguration": {High, "CWE-73", "sets how files are reached"},
	"DebugNanCount": {Medium, "CWE-918", "sends figures to a debugger"}, "DebugNumericSummaryV2": {Medium, "CWE-918", "sends figures to a debugger"}, "LoadTPUEmbeddingAllDeviceParameters": {Low, "", "sets up processors"},
	"BigQueryReader": {High, "CWE-918", "opens a connection"}, "OutfeedEnqueue": {Low, "", "writes to a device"},
}

func isSavedModel(h []byte, it item) bool {
	switch it.ext() {
	case ".pb", ".pbtxt", ".meta", ".graphdef":
		return true
	}
	return false
}

// savedModel reads what TensorFlow keeps as protobuf: saved models, meta graphs,
// frozen graphs, and Keras' notes beside them.
func (s *scanner) savedModel(it item) string {
	switch it.base() {
	case "fingerprint.pb":
		return "savedmodel-fingerprint"
	case "keras_metadata.pb":
		s.kerasMetadata(it)
		return "savedmodel-keras-metadata"
	}
	if it.ext() == ".pbtxt" {
		s.graphText(it)
		return "savedmodel-text"
	}
	p := &tfGraph{proto: s.proto(it), s: s, it: it}
	head := s.head(it, 0, 2)
	var err error
	format := "savedmodel"
	switch {
	case len(head) > 0 && head[0] == 0x08: // SavedModel: schema version
		err = p.walk(0, it.size, func(f field) error {
			if f.num == 2 {
				return p.sub(f, p.meta)
			}
			return nil
		})
	case it.ext() == ".meta":
		format = "tensorflow-meta"
		err = p.walk(0, it.size, p.meta)
	default: // GraphDef
		format = "tensorflow-graph"
		err = p.walk(0, it.size, p.graph)
		if err != nil || p.nodes == 0 {
			q := &tfGraph{proto: s.proto(it), s: s, it: it}
			if e := q.walk(0, it.size, func(f field) error {
				if f.num == 2 {
					return q.sub(f, q.meta)
				}
				return nil
			}); e == nil && q.nodes > 0 {
				err, format, p = nil, "savedmodel", q
			}
		}
	}
	s.graphError(it, "savedmodel", err)
	p.foreign()
	if err == nil && p.nodes == 0 {
		s.find(it, "savedmodel-broken", Undecided, -1, "", "no operator was found in it")
	}
	return format
}

type tfGraph struct {
	*proto
	s     *scanner
	it    item
	nodes int
	own   map[string]bool  // functions of the graph's library
	other map[string]int64 // operators that TensorFlow has none of, with a place
}

//go:embed tfops.txt
var tensorflowList string

var tensorflowOwn = sync.OnceValue(func() map[string]bool {
	_, ops, _ := strings.Cut(tensorflowList, "\n") // behind where they are from
	return wordSet(ops)
})

// foreign tells of operators that need a library of somebody's to be loaded.
func (g *tfGraph) foreign() {
	for op, at := range g.other {
		if !g.own[op] {
			g.s.find(g.it, "tensorflow-custom-op", Medium, at, "CWE-829", fmt.Sprintf("%.80q: an operator that TensorFlow does not have: it needs a shared library to be loaded", op))
		}
	}
}

func (g *tfGraph) meta(f field) error {
	if f.num == 2 && f.wire == 2 {
		return g.sub(f, g.graph)
	}
	return nil
}

func (g *tfGraph) graph(f field) error {
	switch {
	case f.num == 1 && f.wire == 2:
		return g.node(f)
	case f.num == 2 && f.wire == 2: // library
		return g.sub(f, func(l field) error {
			if l.num != 1 {
				return nil
			}
			return g.sub(l, func(fn field) error {
				switch fn.num {
				case 1:
					_ = g.sub(fn, func(sig field) error { // one that is broken names no function
						if sig.num == 1 {
							g.named(g.str(sig))
						}
						return nil
					})
				case 3:
					return g.node(fn)
				}
				return nil
			})
		})
	}
	return nil
}

// named notes a function of the library.
func (g *tfGraph) named(name string) {
	if g.own == nil {
		g.own = map[string]bool{}
	}
	if len(g.own) < 100_000 {
		g.own[name] = true
	}
}

func (g *tfGraph) node(f field) error {
	var name, op string
	var set [][2]string // attributes that are texts
	err := g.sub(f, func(p field) error {
		switch p.num {
		case 1:
			name = g.str(p)
		case 2:
			op = g.str(p)
		case 5:
			if k, v, err := g.setting(p); err != nil {
				return err
			} else if v != "" && len(set) < 64 {
				set = append(set, [2]string{k, v})
			}
		}
		return nil
	})
	g.nodes++
	g.s.tensorflowOp(g.it, op, name, f.off)
	for _, kv := range set {
		g.s.tensorflowSetting(g.it, op, kv[0], kv[1], f.off)
	}
	if op != "" && op[0] != '_' && !tensorflowOwn()[op] && tensorflowOps[op].text == "" {
		if g.other == nil {
			g.other = map[string]int64{}
		}
		if _, had := g.other[op]; !had && len(g.other) < 1000 {
			g.other[op] = f.off
		}
	}
	return err
}

// setting is one attribute of a node that is a text: a key, and within the value field 2.
func (g *tfGraph) setting(f field) (k, v string, err error) {
	err = g.sub(f, func(p field) error {
		switch {
		case p.num == 1:
			k = g.str(p)
		case p.num == 2 && p.wire == 2 && (k == "output_stream" || k == "descriptor_source"):
			return g.sub(p, func(q field) error {
				if q.num == 2 && q.wire == 2 {
					v = g.text(q, 1<<12)
				}
				return nil
			})
		}
		return nil
	})
	return k, v, err
}

// tensorflowSetting judges where an operator prints to, and where one has its descriptors
// from: files, by names that look like streams.
func (s *scanner) tensorflowSetting(it item, op, key, value string, at int64) {
	switch {
	case key == "output_stream" && strings.HasPrefix(value, "file:"):
		s.find(it, "tensorflow-op", High, at, "CWE-73", fmt.Sprintf("the graph's operator %s writes to %.120q", op, value))
	case key == "descriptor_source" && value != "local://" && !strings.HasPrefix(value, "bytes://"):
		s.find(it, "tensorflow-op", High, at, "CWE-73", fmt.Sprintf("the graph's operator %s reads %.120q", op, value))
	}
}

func (s *scanner) tensorflowOp(it item, op, name string, at int64) {
	if d, ok := tensorflowOps[op]; ok {
		s.find(it, "tensorflow-op", d.sev, at, d.cwe, fmt.Sprintf("the graph's operator %s (%.60s) %s", op, name, d.text))
	}
}

var textOp = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\bop:\s*"(\w+)"`) })

func (s *scanner) graphText(it item) {
	b, ok := s.whole(it)
	if !ok {
		return
	}
	found := textOp().FindAllStringSubmatchIndex(string(b), -1)
	for _, m := range found {
		s.tensorflowOp(it, string(b[m[2]:m[3]]), "", int64(m[0]))
	}
	if len(found) == 0 {
		s.find(it, "savedmodel-broken", Undecided, -1, "", "no operator was found in it")
	}
}

// kerasMetadata reads what Keras 2 keeps beside a saved model: the configuration
// of each layer, a Lambda's code included.
func (s *scanner) kerasMetadata(it item) {
	p := s.proto(it)
	err := p.walk(0, it.size, func(f field) error {
		if f.num != 1 {
			return nil
		}
		return p.sub(f, func(n field) error {
			if n.num == 5 {
				s.kerasJSON(it, []byte(p.text(n, s.lim.Header)))
			}
			return nil
		})
	})
	s.graphError(it, "keras-metadata", err)
}

var shardName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\.data-\d{5}-of-\d{5}$`) })

// isCheckpoint recognises the two kinds of files of a TensorFlow checkpoint:
// shards of raw tensor bytes by their name, and the index, a sorted table.
func isCheckpoint(_ []byte, it item) bool {
	return shardName().MatchString(it.base()) || it.ext() == ".index" && it.size >= 48 || it.base() == "checkpoint"
}

func (s *scanner) checkpoint(it item) string {
	switch {
	case it.base() == "checkpoint":
		b := s.head(it, 0, 4096)
		for line := range strings.Lines(string(b)) {
			if _, v, ok := strings.Cut(line, ":"); ok && escapes(strings.Trim(strings.TrimSpace(v), `"`)) {
				s.find(it, "path-traversal", Medium, -1, "CWE-22", "the checkpoint list names a path outside its folder")
			}
		}
		if !isText8(b) {
			s.find(it, "checkpoint-broken", Undecided, -1, "", "the list of checkpoints is no text")
		}
		return "tensorflow-checkpoint"
	case it.ext() == ".index":
		foot := s.head(it, it.size-8, 8)
		if len(foot) < 8 || binary.LittleEndian.Uint64(foot) != 0xdb4775248b80fb57 {
			s.find(it, "checkpoint-broken", Undecided, it.size-8, "", "the index does not end as a sorted table")
		}
	}
	return "tensorflow-checkpoint"
}

package files

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/sevenfold-sec/sevenfold/estate"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder is a sink and a format: it notes documents and blind spots.
type recorder struct {
	docs    []string // PATH#INDEX[*] ACCOUNT/REGION BODY
	blind   []estate.BlindSpot
	refuse  func(estate.Document) bool
	flushed int
}

func (r *recorder) Asset(estate.Asset)           {}
func (r *recorder) BlindSpot(b estate.BlindSpot) { r.blind = append(r.blind, b) }
func (r *recorder) Covered(estate.Coverage)      {}
func (r *recorder) Called(string)                {}
func (r *recorder) Flush(estate.Sink)            { r.flushed++ }
func (r *recorder) Read(d estate.Document, _ estate.Sink) bool {
	if r.refuse != nil && r.refuse(d) {
		return false
	}
	star := ""
	if d.Partial {
		star = "*"
	}
	r.docs = append(r.docs, fmt.Sprintf("%s#%d%s %s/%s %s", d.Path, d.Index, star, d.Account, d.Region, clip(string(d.Body), 200)))
	return true
}

func (r *recorder) blindText() string {
	var b strings.Builder
	for _, s := range r.blind {
		fmt.Fprintf(&b, "%s | %s | %s | %s\n", s.Operation, s.Status, s.Why, s.Hint)
	}
	return b.String()
}

// folder writes files below a temporary folder.
func folder(t testing.TB, content map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range content {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func collect(t testing.TB, opts Options) *recorder {
	t.Helper()
	rec := &recorder{}
	opts.Formats = append(opts.Formats, rec)
	if err := New(opts).Collect(context.Background(), rec); err != nil {
		t.Fatal(err)
	}
	return rec
}

func gzipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return b.String()
}

func utf16File(text string, big, mark bool) string {
	var b []byte
	units := utf16.Encode([]rune(text))
	if mark {
		units = append([]uint16{0xfeff}, units...)
	}
	for _, u := range units {
		if big {
			b = append(b, byte(u>>8), byte(u))
		} else {
			b = append(b, byte(u), byte(u>>8))
		}
	}
	return string(b)
}

func TestEveryWayToWriteADocument(t *testing.T) {
	dir := folder(t, map[string]string{
		"a.json":         `{"A":1}`,
		"b.json":         "\xef\xbb\xbf{\"A\":\"bom\"}",
		"c.json":         utf16File(`{"A":"é€𝄞"}`, false, true),
		"d.json":         utf16File(`{"A":"big"}`, true, true),
		"e.json":         utf16File(`{"A":"bare"}`, false, false),
		"e2.json":        utf16File(`{"A":"bare big"}`, true, false),
		"f.jsonl":        "{\"A\":1}\n{\"A\":2}\n",
		"g.json":         `{"A":1}{"A":2} [3]`,
		"h.json.gz":      gzipped(`{"A":"packed"}`),
		"i.yaml":         "# comment\n---\nkind: Pod\nn: 0x10\nf: .5\nb: yes\nt: 2026-01-02\nnull_: ~\nq: \"1\"\n---\n---\n- 1\n",
		"j.yml":          "base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\nref: !Ref Thing\nlist: *b\n",
		"k":              `{"A":"no extension"}`,
		"l.txt":          `  [ {"A":"text"} ]`,
		"m.txt":          "just words",
		"README.md":      "{}",
		"sevenfold.yaml": "estate: x\n",
		"n.yaml.gz":      gzipped("a: 1\n"),
		"o.json":         "An error occurred (NoSuchBucketPolicy) when calling the GetBucketPolicy operation: The bucket policy does not exist\n",
		".git/x.json":    `{"A":"git"}`,
	})
	rec := collect(t, Options{Root: dir})
	want := []string{
		`a.json#0 / {"A":1}`, `b.json#0 / {"A":"bom"}`, `c.json#0 / {"A":"é€𝄞"}`, `d.json#0 / {"A":"big"}`, `e.json#0 / {"A":"bare"}`, `e2.json#0 / {"A":"bare big"}`,
		`f.jsonl#0 / {"A":1}`, `f.jsonl#1 / {"A":2}`, `g.json#0 / {"A":1}`, `g.json#1 / {"A":2}`, `g.json#2 / [3]`,
		`h.json.gz#0 / {"A":"packed"}`,
		`i.yaml#0 / {"kind":"Pod","n":16,"f":0.5,"b":"yes","t":"2026-01-02","null_":null,"q":"1"}`, `i.yaml#1 / [1]`,
		`j.yml#0 / {"base":{"x":1,"y":2},"use":{"y":3,"x":1},"ref":{"!Ref":"Thing"},"list":{"x":1,"y":2}}`,
		`k#0 / {"A":"no extension"}`, `l.txt#0 / [ {"A":"text"} ]`, `n.yaml.gz#0 / {"a":1}`,
		`o.json#0 / {"Error":{"Code":"NoSuchBucketPolicy","Message":"The bucket policy does not exist","Operation":"GetBucketPolicy"}}`,
	}
	if diff := cmp.Diff(want, rec.docs); diff != "" {
		t.Error(diff)
	}
	if len(rec.blind) != 0 || rec.flushed != 1 {
		t.Errorf("flushed %d, blind:\n%s", rec.flushed, rec.blindText())
	}
}

func TestBadFilesAreNamedWithPlaceAndMend(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for c := 'b'; c < 'n'; c++ {
		bomb += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", c, c, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1, c-1)
	}
	for name, tc := range map[string]struct{ file, text, want string }{
		"truncated":    {"s3api/list-x.json", "{\"A\":[{\"x\":1},\n{\"x\":2},\n{\"x\"", "line 3, column 5 (byte 28): the file ends inside a value; read before it: 2 elements | the export was cut short"},
		"second":       {"x.json", `{"A":1} {"B":`, "read before it: 1 whole documents"},
		"nan":          {"x.json", `{"A":NaN}`, "line 1, column 6 (byte 5): NaN and Infinity are not JSON"},
		"empty":        {"x.json", " \n", "the file is empty"},
		"emptyYAML":    {"x.yaml", "", "the file is empty"},
		"latin1":       {"x.json", "{\"A\":\"caf\xe9\"}", "bytes that are not UTF-8"},
		"utf32":        {"x.json", "\xff\xfe\x00\x00{\x00\x00\x00}\x00\x00\x00", "UTF-32"},
		"nest":         {"x.json", strings.Repeat("[", 20000), "nested deeper than 1000 levels"},
		"nestYAML":     {"x.yaml", strings.Repeat("[", 9000) + strings.Repeat("]", 9000), "nested deeper than 1000 levels"},
		"nestYAML2":    {"x.yaml", strings.Repeat("[", 30000), "exceeded max depth"},
		"aliasBomb":    {"x.yaml", bomb, "aliases multiply the document"},
		"aliasCycle":   {"x.yaml", "a: &a [*a]\n", "nested deeper"},
		"mergeCycle":   {"x.yaml", "a: &a\n  <<: *a\n", "merged mappings multiply"},
		"twice":        {"x.json", `{"Effect":"Deny","Effect":"Allow"}`, "a member name twice in one object"},
		"twiceYAML":    {"x.yaml", "a: 1\nb: 2\na: 3\n", `line 3: member "a" stands twice`},
		"yamlCrowd":    {"x.yaml", "[" + strings.Repeat("a,", 3_000_000) + "]", "more than 2500000 values"},
		"yamlSyntax":   {"x.yaml", "a: 1\n\tb: 2\n", "line 2"},
		"yamlSecond":   {"x.yaml", "a: 1\n---\nb: [\n", "documents before it were read: 1"},
		"yamlNaN":      {"x.yaml", "a: .nan\n", "has no JSON spelling"},
		"hugeNumber":   {"x.json", `{"a":1e99999}`, "too large for a double"},
		"notGzip":      {"x.json.gz", "{}", "not a gzip file"},
		"cutGzip":      {"x.json.gz", gzipped(strings.Repeat(`{"a":"bcdefgh"}`, 1000))[:60], "unexpected EOF"},
		"yamlNamed":    {"x.json", "kind: Pod\n", "if it is YAML name it .yaml"},
		"bare":         {"x.json", `"just a string"`, "a bare value"},
		"python":       {"x.json", `{'A': True}`, "expected a member name in quotes"},
		"html":         {"x.json", `<html>`, "expected a value, found '<'"},
		"notARefusal":  {"x.json", `Arn: x`, "expected a value"},
		"hiddenFolder": {".old/x.json", "{}", "hidden folders are not read; this one holds .old/x.json"},
	} {
		t.Run(name, func(t *testing.T) {
			rec := &recorder{refuse: func(d estate.Document) bool { return strings.Contains(string(d.Body), "EmptyOutput") }}
			dir := folder(t, map[string]string{tc.file: tc.text})
			if err := New(Options{Root: dir, Formats: []estate.Format{rec}}).Collect(context.Background(), rec); err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(rec.blindText(), tc.want) {
				t.Errorf("got\n%swant %s", rec.blindText(), tc.want)
			}
			for _, b := range rec.blind {
				if b.Hint == "" || b.Source == "" || b.Status.Known() {
					t.Errorf("no hint, source or status: %+v", b)
				}
			}
		})
	}
}

func TestUnknownDocumentsAreGroupedAndDescribed(t *testing.T) {
	rec := &recorder{refuse: func(d estate.Document) bool { return strings.HasPrefix(d.Path, "odd/") }}
	dir := folder(t, map[string]string{
		"odd/a.json": `{"secret":"value","n":1}`, "odd/b.json": `{"n":2,"secret":"x"}`, "odd/c.json": `[{"q":1}]`, "ok.json": `{}`,
	})
	c := New(Options{Root: dir, Formats: []estate.Format{rec}})
	if err := c.Collect(context.Background(), rec); err != nil {
		t.Fatal(err)
	}
	text := rec.blindText()
	for _, want := range []string{"2 documents here (odd/a.json, odd/b.json); it is an object with the members n, secret",
		"odd/c.json | malformed | no format understands this document; it is a list of objects with the members q", "get-bucket-policy/BUCKET.json"} {
		if !strings.Contains(text, want) {
			t.Errorf("missing %q in\n%s", want, text)
		}
	}
	if strings.Contains(text, "value") || len(rec.blind) != 2 || c.Stats().Documents != 4 {
		t.Errorf("blind %d, stats %+v\n%s", len(rec.blind), c.Stats(), text)
	}
}

type panics struct{}

func (panics) Read(estate.Document, estate.Sink) bool { panic("index out of range") }

func TestAFormatsPanicIsABlindSpot(t *testing.T) {
	rec := collect(t, Options{Root: folder(t, map[string]string{"a.json": `{}`}), Formats: []estate.Format{panics{}}})
	if !strings.Contains(rec.blindText(), "index out of range") {
		t.Error(rec.blindText())
	}
}

func TestAccountAndRegion(t *testing.T) {
	arn := `{"Arn":"arn:aws:s3:eu-west-1:111122223333:x"}`
	for name, tc := range map[string]struct {
		files           map[string]string
		account, region string
		want            []string
	}{
		"options": {map[string]string{"444455556666/a.json": "{}"}, "111122223333", "eu-west-2", []string{"111122223333/eu-west-2"}},
		"path":    {map[string]string{"111122223333/eu-west-1/a.json": "{}", "444455556666/team-blue-1/a.json": "{}"}, "", "", []string{"111122223333/eu-west-1", "444455556666/"}},
		"identity": {map[string]string{
			"prod/sts/get-caller-identity.json": `{"UserId":"A","Account":"111122223333","Arn":"arn:aws:iam::111122223333:user/a"}`,
			"prod/ec2/a.json":                   "{}",
			"test/a.json":                       `{"UserId":"A","Account":"444455556666","Arn":"arn:aws:iam::444455556666:user/a"}`,
			"zzz/a.json":                        "{}",
		}, "", "", []string{"111122223333/", "111122223333/", "444455556666/", "/"}},
		"agreed":    {map[string]string{"a.json": arn, "b.json": `{"OwnerId": "111122223333"}`}, "", "", []string{"111122223333/eu-west-1", "111122223333/eu-west-1"}},
		"disagreed": {map[string]string{"a.json": arn, "b.json": `{"OwnerId":"444455556666"}`}, "", "", []string{"/eu-west-1", "/eu-west-1"}},
		"nothing":   {map[string]string{"a.json": `{"Arn":"arn:aws:iam::aws:policy/x"}`}, "", "", []string{"/"}},
	} {
		t.Run(name, func(t *testing.T) {
			rec := collect(t, Options{Root: folder(t, tc.files), Account: tc.account, Region: tc.region})
			var got []string
			for _, d := range rec.docs {
				got = append(got, strings.Fields(d)[1])
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLinksDoNotLeaveTheFolder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("symbolic links need a privilege")
	}
	outside := folder(t, map[string]string{"secret.json": `{"A":"outside"}`})
	dir := folder(t, map[string]string{"real/a.json": `{"A":1}`})
	for link, target := range map[string]string{
		"out.json": filepath.Join(outside, "secret.json"), "outdir": outside, "in.json": "real/a.json", "loop": ".", "again": "real", "gone.json": "nowhere",
	} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	rec := collect(t, Options{Root: dir})
	if diff := cmp.Diff([]string{`in.json#0 / {"A":1}`, `real/a.json#0 / {"A":1}`}, rec.docs); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{"out.json |", "outdir |", "gone.json |"} {
		if !strings.Contains(rec.blindText(), want) {
			t.Errorf("%s not named in\n%s", want, rec.blindText())
		}
	}
}

func TestUnreadableFileIsDenied(t *testing.T) {
	dir := folder(t, map[string]string{"a.json": `{}`})
	if err := os.Chmod(filepath.Join(dir, "a.json"), 0); err != nil {
		t.Fatal(err)
	}
	if f, err := os.Open(filepath.Join(dir, "a.json")); err == nil {
		f.Close()
		t.Log("this user may read everything; the error is made instead")
		status, hint := failure(fmt.Errorf("x: %w", os.ErrPermission))
		if status != estate.ReadDenied || hint == "" {
			t.Error(status, hint)
		}
		return
	}
	rec := collect(t, Options{Root: dir})
	if len(rec.blind) != 1 || rec.blind[0].Status != estate.ReadDenied {
		t.Error(rec.blindText())
	}
}

func TestSingleFileMissingAndEmptyFolder(t *testing.T) {
	dir := folder(t, map[string]string{"111122223333/odd.name": `{"A":1}`, "b.json": "{}"})
	rec := collect(t, Options{Root: filepath.Join(dir, "111122223333", "odd.name")})
	if diff := cmp.Diff([]string{`odd.name#0 / {"A":1}`}, rec.docs); diff != "" {
		t.Error(diff)
	}
	if err := New(Options{Root: filepath.Join(dir, "missing")}).Collect(context.Background(), rec); err == nil {
		t.Error("a missing folder must be an error")
	}
	if rec := collect(t, Options{Root: t.TempDir()}); !strings.Contains(rec.blindText(), "holds no JSON or YAML") {
		t.Error(rec.blindText())
	}
}

// TestParallelismChangesNothing reads the same folder with one and with eight
// readers.
func TestParallelismChangesNothing(t *testing.T) {
	content := map[string]string{}
	for i := range 60 {
		content[fmt.Sprintf("d%d/f%02d.jsonl", i%7, i)] = strings.Repeat(fmt.Sprintf("{\"n\":%d}\n", i), i+1)
		content[fmt.Sprintf("d%d/bad%02d.json", i%7, i)] = `{"n":`
	}
	dir := folder(t, content)
	one, many := collect(t, Options{Root: dir, Parallel: 1}), collect(t, Options{Root: dir, Parallel: 8})
	if diff := cmp.Diff(one.docs, many.docs); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(one.blind, many.blind); diff != "" || len(one.blind) != 60 {
		t.Error(len(one.blind), diff)
	}
}

func TestCancelEndsReading(t *testing.T) {
	dir := folder(t, map[string]string{"a.jsonl": strings.Repeat("{}\n", 10000), "b.jsonl": strings.Repeat("{}\n", 10000)})
	ctx, cancel := context.WithCancel(context.Background())
	rec := &recorder{refuse: func(estate.Document) bool { cancel(); return false }}
	if err := New(Options{Root: dir, Formats: []estate.Format{rec}}).Collect(ctx, rec); err != context.Canceled {
		t.Errorf("got %v", err)
	}
}

// endless makes a reply of any size without holding it.
type endless struct {
	element []byte
	left    int64
	state   int
	pending []byte
}

func (e *endless) Read(p []byte) (int, error) {
	for len(e.pending) == 0 {
		switch {
		case e.state == 0:
			e.pending, e.state = []byte(`{"Kind":"list","Items":[`), 1
		case e.state == 1 && e.left > 0:
			e.left -= int64(len(e.element))
			e.pending = e.element
			if e.left <= 0 {
				e.pending = e.element[:len(e.element)-1]
			}
		case e.state == 1:
			e.pending, e.state = []byte(`],"Last":1}`), 2
		default:
			return 0, io.EOF
		}
	}
	n := copy(p, e.pending)
	e.pending = e.pending[n:]
	return n, nil
}

func element() []byte {
	item, _ := json.Marshal(map[string]any{"TrainingJobName": "harbour-eta-2026-11-01", "TrainingJobArn": "arn:aws:sagemaker:eu-west-1:111122223333:training-job/harbour-eta-2026-11-01",
		"CreationTime": "2026-11-01T10:00:00Z", "TrainingJobStatus": "Completed", "Tags": []map[string]string{{"Key": "app", "Value": "eta"}}, "Size": 12345.678})
	return append(item, ',')
}

// TestHugeStreamInBoundedMemory reads 2 GB (64 MB with -short) that is made as
// it is read, and watches the live heap at each part.
func TestHugeStreamInBoundedMemory(t *testing.T) {
	total := int64(2 << 30)
	if testing.Short() {
		total = 64 << 20
	}
	var parts, elements int
	var peak, out uint64
	var m runtime.MemStats
	runtime.GC() // what other tests left behind, and twice for what pools keep
	runtime.GC()
	s := &splitter{in: newInput(&endless{element: element(), left: total}), lim: defaultLimits, note: func(tr trouble) { t.Error(tr) }}
	s.emit = func(p piece) error {
		parts++
		elements += bytes.Count(p.body, []byte(`"TrainingJobName"`))
		out += uint64(len(p.body))
		if !p.partial || len(p.body) > defaultLimits.part+1024 {
			return fmt.Errorf("part of %d bytes, partial %v", len(p.body), p.partial)
		}
		if parts%10 == 0 {
			runtime.ReadMemStats(&m)
			peak = max(peak, m.HeapAlloc)
		}
		return nil
	}
	if err := s.run(); err != nil {
		t.Fatal(err)
	}
	if want := (total + int64(len(element())) - 1) / int64(len(element())); int64(elements) != want {
		t.Errorf("%d elements, want %d", elements, want)
	}
	if peak > 96<<20 {
		t.Errorf("live heap rose to %d MB", peak>>20)
	}
	t.Logf("%d MB in %d parts, live heap at most %d MB", total>>20, parts, peak>>20)
}

func TestCompressionBombIsStopped(t *testing.T) {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	_, _ = io.CopyN(z, &endless{element: bytes.Repeat([]byte("0,"), 1<<15), left: 1 << 40}, 8<<20)
	_ = z.Close()
	lim := defaultLimits
	lim.bomb, lim.ratio = 2<<20, 50
	var blind []estate.BlindSpot
	d := &decoder{file: candidate{path: "x.json.gz", gzip: true}, lim: lim, emit: func(piece) error { return nil },
		blind: func(b estate.BlindSpot) { blind = append(blind, b) }}
	if err := d.run(&b); err != nil {
		t.Fatal(err)
	}
	if len(blind) != 1 || !strings.Contains(blind[0].Why, "grows beyond what is read") {
		t.Errorf("%+v", blind)
	}
}

func TestLargeYAMLIsRefusedButJSONUnderItsNameIsStreamed(t *testing.T) {
	for text, want := range map[string]int{"a: " + strings.Repeat("x", 200): 0, `{"a":[` + strings.Repeat("1,", 100) + `1]}`: 1} {
		lim := defaultLimits
		lim.yaml = 100
		var pieces, blind atomic.Int32
		d := &decoder{file: candidate{path: "x.yaml", yaml: true}, lim: lim,
			emit: func(piece) error { pieces.Add(1); return nil }, blind: func(b estate.BlindSpot) {
				blind.Add(1)
				if !strings.Contains(b.Why, "YAML above 100 bytes") {
					t.Error(b)
				}
			}}
		if err := d.run(strings.NewReader(text)); err != nil || int(pieces.Load()) != want || int(blind.Load()) != 1-want {
			t.Error(err, pieces.Load(), blind.Load())
		}
	}
}

func TestParseSource(t *testing.T) {
	for in, want := range map[string]Options{
		"dir:x":                           {Root: "x"},
		"dir:/a b/c,account=111122223333": {Root: "/a b/c", Account: "111122223333"},
		"dir:x,region=eu-west-1,account=111122223333": {Root: "x", Account: "111122223333", Region: "eu-west-1"},
		"dir:x,cluster=prod":                          {Root: "x", Cluster: "prod"},
		"dir:a,b/c,region=us-gov-west-1":              {Root: "a,b/c", Region: "us-gov-west-1"},
	} {
		got, err := ParseSource(in)
		want.Source = in
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", in, err, diff)
		}
	}
	for in, want := range map[string]string{
		"aws": "expected dir:PATH", "dir:": "no path", "dir:x,account=12": "12-digit", "dir:x,region=west": "spelt like one", "dir:x,cluster=a b": "is not a name", "dir:x,acount=111122223333": `unknown option "acount"`,
	} {
		if _, err := ParseSource(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func FuzzYAML(f *testing.F) {
	for _, seed := range []string{"a: 1\n", "a: &x [1]\nb: *x\n", "<<: {a: 1}\n", "!Sub a: !Ref b\n", "? [a]\n: 1\n", "- .inf\n- 0o17\n- 1_000\n", "a: !!binary aGk=\n", "--- {}\n--- []\n", "*a", "&a [*a]"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 1<<14 {
			return
		}
		_ = yamlPieces(text, small, func(p piece) error {
			if !json.Valid(p.body) {
				t.Fatalf("%q became %q", text, p.body)
			}
			return nil
		}, func(trouble) {})
	})
}

func FuzzFile(f *testing.F) {
	f.Add([]byte(`{"a":1}`), "x.json")
	f.Add([]byte(gzipped(`{"a":[1,2]}`)), "x.json.gz")
	f.Add([]byte(utf16File(`{"a":1}`, false, true)), "list-x.json")
	f.Add([]byte("a: 1\n"), "x.yaml")
	f.Add([]byte("An error occurred (X): y"), "x")
	f.Fuzz(func(t *testing.T, text []byte, name string) {
		c, ok := classify(name)
		if !ok || len(text) > 1<<14 {
			return
		}
		d := &decoder{file: c, lim: small, emit: func(p piece) error {
			if !json.Valid(p.body) {
				t.Fatalf("%q: %q", text, p.body)
			}
			return nil
		}, blind: func(b estate.BlindSpot) {
			if b.Hint == "" && b.Status != estate.ReadSkipped {
				t.Fatalf("no mend: %+v", b)
			}
		}}
		if err := d.run(bytes.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	})
}

// BenchmarkSplit streams 64 MB a round.
func BenchmarkSplit(b *testing.B) {
	const total = 64 << 20
	text, _ := io.ReadAll(&endless{element: element(), left: total})
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		s := &splitter{in: newInput(bytes.NewReader(text)), lim: defaultLimits, emit: func(piece) error { return nil }, note: func(trouble) {}}
		if err := s.run(); err != nil {
			b.Fatal(err)
		}
	}
}

// Package pipelines reads what definitions of pipelines declare of data: which task reads
// and writes which stores. It reads what the compiler of Kubeflow Pipelines 2 writes (the
// intermediate representation, as YAML or JSON) and Airflow's DAG files, as text: nothing is
// run. What a definition leaves to be computed is unknown, with the line.
package pipelines

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// MaxFile is the length in bytes of the longest file that is read.
const MaxFile = 8 << 20

// Flow is one passage of data that a definition declares.
type Flow struct {
	From, To string // a task (airflow://DAG/TASK, kubeflow://PIPELINE/TASK) or the address of a store
	Evidence string // the file and line, and what stands there
}

// Definition is what a file declares.
type Definition struct {
	Flows []Flow
	// Tasks are all tasks, by id.
	Tasks []string
	// Unknown says what of the flows the file leaves open, with the line.
	Unknown []string
}

// ErrOther says that a file is none that this package reads.
var ErrOther = errors.New("it is no DAG of Airflow's and no compiled pipeline of Kubeflow's")

// Reads reports whether a file's name is one of a kind that Read looks into.
func Reads(name string) bool {
	return slices.Contains([]string{".py", ".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(name)))
}

// Read reads a file. The error is ErrOther, or says what is damaged and where, without what
// stands there.
func Read(name string, text []byte) (*Definition, error) {
	if len(text) > MaxFile {
		return nil, fmt.Errorf("it is longer than %d MiB", MaxFile>>20)
	}
	d := &Definition{}
	var err error
	if strings.EqualFold(filepath.Ext(name), ".py") {
		err = d.airflow(name, text)
	} else {
		if !bytes.Contains(text, []byte("pipelineInfo")) && !bytes.Contains(text, []byte("pipelines.kubeflow.org/")) {
			return nil, ErrOther
		}
		err = d.kubeflow(name, text)
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

func (d *Definition) flow(from, to, evidence string) {
	f := Flow{from, to, evidence}
	if from != "" && to != "" && from != to && !slices.Contains(d.Flows[max(0, len(d.Flows)-64):], f) {
		d.Flows = append(d.Flows, f)
	}
}

func (d *Definition) unknown(name string, line int, format string, args ...any) {
	why := fmt.Sprintf("%s:%d: %s", name, line, fmt.Sprintf(format, args...))
	if !slices.Contains(d.Unknown[max(0, len(d.Unknown)-64):], why) {
		d.Unknown = append(d.Unknown, why)
	}
}

// address is an address of something that holds data.
var address = regexp.MustCompile(`^(?:s3|s3a|s3n|gs|gcs|minio|abfss?|wasbs?|hdfs|bigquery|bq|postgres|postgresql|mysql|mariadb|redshift|snowflake|dynamodb)://[^\s'"]+$`)

// addresses finds such addresses in the text of a program.
var addresses = regexp.MustCompile(`(?:s3|s3a|s3n|gs|minio|abfss?|wasbs?|hdfs|bigquery|postgresql|mysql)://[^\s'"\\,;)]+`)

// isAddress reports whether a text names a store.
func isAddress(text string) bool { return address.MatchString(text) }

// plain is an address in the form that other readers give, without who asks and how: such
// addresses hold passwords. A key named for somebody ends at its folder.
func plain(uri string) string {
	scheme, rest, _ := strings.Cut(uri, "://")
	switch scheme {
	case "s3a", "s3n":
		scheme = "s3"
	case "gcs":
		scheme = "gs"
	case "bq":
		scheme = "bigquery"
	case "postgresql":
		scheme = "postgres"
	case "mariadb":
		scheme = "mysql"
	}
	rest, _, _ = strings.Cut(rest, "?")
	host, path, slash := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(host, '@'); at >= 0 && !strings.HasPrefix(scheme, "abfs") && !strings.HasPrefix(scheme, "wasb") { // of these it is the container
		host = host[at+1:]
	}
	if at := strings.IndexByte(path, '@'); at >= 0 {
		path = path[:strings.LastIndexByte(path[:at], '/')+1]
	}
	if slash {
		path = "/" + path
	}
	return scheme + "://" + host + path
}

// The words of a parameter's name that say which way its value goes. The first two are
// sure, the third counts where none of the others stands beside it.
var (
	inWords   = []string{"input", "inputs", "source", "sources", "src", "from", "read"}
	outWords  = []string{"output", "outputs", "dest", "destination", "target", "dst", "to", "out", "write", "result", "results", "sink", "save", "export"}
	weakWords = []string{"data", "dataset", "datasets", "train", "training", "validation", "test", "raw", "load", "corpus", "checkpoint"}
)

// direction says which way the value of a parameter goes by its name: -1 it is read, 1 it is
// written, 0 its name does not say.
func direction(name string) int {
	words := strings.FieldsFunc(strings.ToLower(camel.ReplaceAllString(name, "${1}_${2}")), func(c rune) bool { return c < 'a' || c > 'z' })
	has := func(list []string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(list, w) })
	}
	in, out := has(inWords), has(outWords)
	switch {
	case in && !out, !out && has(weakWords):
		return -1
	case out && !in:
		return 1
	}
	return 0
}

var camel = regexp.MustCompile(`([a-z0-9])([A-Z])`)

// given adds the flow of a store whose address a task is given under a name.
func (d *Definition) given(file string, line int, job, name, uri string) {
	uri = plain(uri)
	evidence := fmt.Sprintf("%s:%d, by the name of the parameter %s", file, line, name)
	switch direction(name) {
	case -1:
		d.flow(uri, job, evidence)
	case 1:
		d.flow(job, uri, evidence)
	default:
		d.unknown(file, line, "%s is given %s as %s, which does not say whether it is read or written", job, uri, name)
	}
}

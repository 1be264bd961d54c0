package assess

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/sevenfold-sec/sevenfold/collect/pipelines"
	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/steps/data"
)

// maxOpenFlows bounds how much is told of what definitions leave open.
const maxOpenFlows = 2_000

// declareFlows adds the flows that definitions of pipelines below a path declare, and what
// they leave open. A file that was named itself has to be one.
func declareFlows(ctx context.Context, k *data.Known, snap *estate.Snapshot, root string, seen *seenFlows) error {
	tables := tablesByName(snap)
	found := 0
	open := func(why string) {
		switch n := len(k.Open); {
		case n < maxOpenFlows:
			k.Open = append(k.Open, why)
		case n == maxOpenFlows:
			k.Open = append(k.Open, "and more, which is not told")
		}
	}
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			open(name + ": it cannot be read")
			return nil
		case d.IsDir(), name != root && !pipelines.Reads(name):
			return nil
		}
		def, err := definition(name)
		switch {
		case errors.Is(err, pipelines.ErrOther) && name != root:
			return nil // beside DAGs lie programs and settings of all kinds
		case err != nil:
			open(name + ": " + err.Error())
			found++
			return nil
		}
		found++
		for _, f := range def.Flows {
			seen.put(storeNamed(f.From, tables), storeNamed(f.To, tables), f.Evidence, true)
		}
		for _, why := range def.Unknown {
			open(why)
		}
		return nil
	})
	if err == nil && found == 0 {
		open(root + ": there is no DAG of Airflow's and no compiled pipeline of Kubeflow's in it")
	}
	return err
}

// definition reads one file.
func definition(name string) (*pipelines.Definition, error) {
	info, err := os.Stat(name) // a link is followed; a pipe would be waited for
	if err != nil || !info.Mode().IsRegular() {
		return nil, errors.New("it is no file that can be read")
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, errors.New("it cannot be opened")
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, pipelines.MaxFile+1))
	if err != nil {
		return nil, errors.New("it cannot be read")
	}
	if len(text) > pipelines.MaxFile {
		return nil, fmt.Errorf("it is longer than %d MiB", pipelines.MaxFile>>20)
	}
	return pipelines.Read(name, text)
}

// tablesByName are the DynamoDB tables of an estate by name; a name that several have is
// nobody's.
func tablesByName(snap *estate.Snapshot) map[string]string {
	out := map[string]string{}
	for _, a := range snap.Assets() {
		if a.Type != "AWS::DynamoDB::Table" || a.Name == "" {
			continue
		}
		if _, twice := out[a.Name]; twice {
			out[a.Name] = ""
			continue
		}
		out[a.Name] = a.ID
	}
	return out
}

// storeNamed is the id of the asset that an address of a definition names, or the address.
func storeNamed(address string, tables map[string]string) string {
	if name, ok := strings.CutPrefix(address, "dynamodb://"); ok && tables[name] != "" {
		return tables[name]
	}
	return address
}

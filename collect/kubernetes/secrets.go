package kubernetes

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// tableOnly asks for the table kubectl prints, whose rows carry the object's
// metadata. No plain JSON is offered as a second choice, so that a server that
// cannot make tables answers "not acceptable" instead of sending values.
const tableOnly = "application/json;as=Table;v=v1;g=meta.k8s.io"

// table is as much of a Table as is read. Values have no place in it.
type table struct {
	Kind     string          `json:"kind"`
	Metadata metav1.ListMeta `json:"metadata"`
	Columns  []struct {
		Name string `json:"name"`
	} `json:"columnDefinitions"`
	Rows []struct {
		Cells  []any `json:"cells"`
		Object struct {
			Metadata map[string]any `json:"metadata"`
		} `json:"object"`
	} `json:"rows"`
}

// secrets lists secrets by metadata, type and keys: the type and the number of the
// keys are columns of the table, their names stand in the metadata, the values
// nowhere.
func (cl *cluster) secrets(ctx context.Context, namespace string, opts metav1.ListOptions) (page, error) {
	request := cl.rest.Get().AbsPath("/api/v1").Resource("secrets").
		NamespaceIfScoped(namespace, namespace != "").
		SetHeader("Accept", tableOnly).
		Param("includeObject", string(metav1.IncludeMetadata)).
		Param("limit", strconv.FormatInt(opts.Limit, 10))
	if opts.Continue != "" {
		request.Param("continue", opts.Continue)
	}
	body, err := request.Do(ctx).Raw()
	if err != nil {
		return page{}, err
	}
	return secretRows(body)
}

func secretRows(body []byte) (page, error) {
	var t table
	if err := json.Unmarshal(body, &t); err != nil {
		return page{}, malformed{fmt.Errorf("table of secrets: %w", err)}
	}
	if t.Kind != "Table" {
		return page{}, malformed{fmt.Errorf("asked for a table of secrets, got %q", t.Kind)}
	}
	typeColumn, countColumn := -1, -1
	for i, c := range t.Columns {
		switch c.Name {
		case "Type":
			typeColumn = i
		case "Data":
			countColumn = i
		}
	}
	p := page{next: t.Metadata.Continue, items: make([]map[string]any, 0, len(t.Rows))}
	for _, r := range t.Rows {
		obj := map[string]any{"metadata": r.Object.Metadata}
		if typeColumn >= 0 && typeColumn < len(r.Cells) {
			obj["type"] = text(r.Cells[typeColumn])
		}
		obj[dataKeys] = counted(-1)
		if countColumn >= 0 && countColumn < len(r.Cells) {
			if n, ok := r.Cells[countColumn].(float64); ok && n >= 0 && n < 1<<31 {
				obj[dataKeys] = counted(n)
				if names := managedKeys(r.Object.Metadata); len(names) == int(n) {
					obj[keyNames] = named(names)
				}
			}
		}
		p.items = append(p.items, obj)
	}
	return p, nil
}

// managedKeys are the names of a secret's keys as its managed fields tell them, in
// order: the server notes for every member who set it, by name and without its
// value. The notes may be gone, or be of a part of the keys; whoever asks holds
// them against the number of the keys.
func managedKeys(metadata map[string]any) []string {
	keys := map[string]bool{}
	list, _ := metadata["managedFields"].([]any)
	for _, x := range list {
		entry, _ := x.(map[string]any)
		fields, _ := entry["fieldsV1"].(map[string]any)
		for _, member := range []string{"f:data", "f:stringData"} {
			data, _ := fields[member].(map[string]any)
			for name := range data {
				if key, ok := strings.CutPrefix(name, "f:"); ok {
					keys[key] = true
				}
			}
		}
	}
	names := slices.AppendSeq([]string{}, maps.Keys(keys))
	slices.Sort(names)
	return names
}

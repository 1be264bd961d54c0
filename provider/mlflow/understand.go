// Package mlflow says what the configuration of models in an MLflow registry means.
package mlflow

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// VersionType is the type of a version of a registered model.
const VersionType = "MLflow::ModelVersion"

// Version is a version of a registered model as its registry describes it.
type Version struct {
	Name    string
	Version string
	// Stage of the older life cycle: None, Staging, Production or Archived.
	Stage string
	// Status of the registration: READY once its files are complete.
	Status  string
	Aliases []string // nil: not read
	Tags    map[string]string
	// Files is where its files lie: an address of a store, or one of the server's own.
	Files string
	Run   string
}

// ReadVersion reads the configuration of a version.
func ReadVersion(config []byte) (Version, error) {
	var c struct {
		Name     string          `json:"name"`
		Version  json.RawMessage `json:"version"`
		Stage    string          `json:"current_stage"`
		Status   string          `json:"status"`
		Aliases  []string        `json:"aliases"`
		Source   string          `json:"source"`
		Run      string          `json:"run_id"`
		Tags     json.RawMessage `json:"tags"`
		Download struct {
			URI string `json:"artifact_uri"`
		} `json:"download"`
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return Version{}, err
	}
	v := Version{Name: c.Name, Version: strings.Trim(string(c.Version), `"`), Stage: c.Stage, Status: c.Status, Aliases: c.Aliases, Files: c.Source, Run: c.Run}
	if c.Download.URI != "" {
		v.Files = c.Download.URI // what stands in source may be a name of the server's own
	}
	v.Files = strings.TrimSuffix(v.Files, "/")
	tags, err := tagsOf(c.Tags)
	v.Tags = tags
	return v, err
}

func tagsOf(text json.RawMessage) (map[string]string, error) {
	out := map[string]string{}
	if len(text) == 0 {
		return out, nil
	}
	var list []struct{ Key, Value string }
	if err := json.Unmarshal(text, &list); err != nil {
		return nil, fmt.Errorf("tags: %w", err)
	}
	for _, t := range list {
		out[t.Key] = t.Value
	}
	return out, nil
}

// Understand says what an asset of a registry is: models contain their versions.
func Understand(a *estate.Asset) estate.Understanding {
	u := estate.Understanding{Kind: estate.KindModel}
	v, err := ReadVersion(a.Config)
	if err != nil {
		u.Problems = append(u.Problems, estate.Problem{Path: "config", Why: err.Error()})
		return u
	}
	u.Tags = v.Tags
	if a.Type == VersionType {
		u.Relations = append(u.Relations, estate.Relation{From: "mlflow://" + a.Account + "/" + url.PathEscape(v.Name), To: a.ID, Type: estate.Contains, Tier: estate.Declared, Evidence: "name"})
	}
	return u
}

package network

import (
	"slices"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/estate/software"
	"github.com/sevenfold-sec/sevenfold/steps/network/exposure"
)

// keepers are systems that keep data for others to read and write: what a pipeline
// reaches, and none themselves.
var keepers = []string{"Qdrant", "Weaviate", "Milvus", "Chroma", "pgvector", "OpenSearch with its k-NN plug-in", "LanceDB", "Vespa", "Elasticsearch", "OpenSearch", "Redis", "PostgreSQL", "Neo4j", "MinIO", "CNCF Distribution"}

// keeps names the system by which a workload keeps data, where all its roots are such;
// else it is empty.
func (w *World) keeps(p *party) string {
	found := ""
	for _, id := range p.Roots {
		n, ok := w.snap.Find(id)
		if !ok {
			return ""
		}
		if w.snap.Asset(n).Kind == estate.KindStore {
			found = "a store"
			continue
		}
		system := w.systemOf(n)
		if !slices.Contains(keepers, system) {
			return ""
		}
		found = system
	}
	return found
}

// systemOf is what the containers of a thing are for: of several systems the one that
// goes before the others; empty where none is known.
func (w *World) systemOf(n estate.Node) string {
	best, system := -1, ""
	for e := range w.snap.Out(n) {
		a := *w.snap.Asset(e.Node)
		if e.Type != estate.Contains || a.Type != exposure.ContainerType {
			continue
		}
		config, err := w.snap.Config(e.Node)
		if err != nil {
			continue
		}
		a.Config = config
		for _, s := range exposure.Services(&a, nil) {
			for _, m := range software.Recognise(software.Container{Image: s.Image, Words: s.Words}) {
				if m.How != software.ByLikeness && (best < 0 || m.Rank < best) {
					best, system = m.Rank, m.System
				}
			}
		}
	}
	return system
}

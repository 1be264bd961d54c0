package kubernetes

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/estate/software"
)

func itoa(i int) string { return strconv.Itoa(i) }

// ContainerType and ModelType are the types of the parts of a pod: Kubernetes
// has no objects for them.
const (
	ContainerType = "kubernetes/Container"
	ModelType     = "kubernetes/Model"
)

// container declares a container as a part, its image, what its environment
// is read from, and the models and buckets its arguments name.
func (r *reader) container(s *podSpec, c *container) {
	id := r.a.ID + "#container/" + s.prefix + c.name
	config, err := json.Marshal(c.at.v)
	if err != nil {
		config = nil // decoded from JSON, so that this cannot be
	}
	r.u.Parts = append(r.u.Parts, estate.Asset{
		ID: id, Type: ContainerType, Cloud: estate.Kubernetes, Account: r.a.Account, Region: r.a.Region, Name: c.name,
		Config: config, Reads: r.a.Reads, Source: r.a.Source, Kind: estate.KindCompute, Created: r.a.Created,
	})
	r.join(r.a.ID, id, estate.Contains, c.at.path)
	if c.image != "" {
		ref := parseImage(c.image)
		image := ref.id()
		r.u.Parts = append(r.u.Parts, estate.Asset{
			ID: image, Type: estate.ImageType, Name: ref.String(), Source: r.a.Source, Kind: estate.KindImage,
			Config: ref.config(), Reads: []estate.Read{{Operation: "kubernetes:list", Status: estate.ReadOK}},
		})
		r.join(id, image, estate.Loads, c.at.path+".image")
		r.join(r.a.ID, image, estate.Loads, c.at.path+".image")
		r.join(image, ref.ecr(), estate.MemberOf, c.at.path+".image")
	}
	r.environment(c)
	r.models(c)
}

// environment declares the secrets and configuration maps that variables come
// from.
func (r *reader) environment(c *container) {
	if r.a.Region == "" {
		return
	}
	for _, e := range c.at.at("env").items() {
		from := e.at("valueFrom")
		for member, kind := range map[string]string{"secretKeyRef": "Secret", "configMapKeyRef": "ConfigMap"} {
			ref := from.at(member)
			r.relate(r.local(kind, ref.at("name").text()), estate.Reads, ref)
		}
	}
	for _, e := range c.at.at("envFrom").items() {
		for member, kind := range map[string]string{"secretRef": "Secret", "configMapRef": "ConfigMap"} {
			ref := e.at(member)
			r.relate(r.local(kind, ref.at("name").text()), estate.Reads, ref)
		}
	}
}

// modelFlags are the arguments, and modelVariables the variables, by which
// model servers are told what to serve.
var (
	modelFlags     = []string{"--model", "--model-id", "--model-path", "--model_name_or_path", "--model-repository", "--model-store", "--model_base_path", "--pretrained_model_name_or_path", "--model-dir", "--model_dir"}
	modelVariables = []string{"MODEL_ID", "HF_MODEL_ID", "MODEL_BASE_PATH", "MODEL_REPOSITORY", "STORAGE_URI"}
)

// models declares the models a container names, and every bucket whose address
// stands in its arguments or environment.
func (r *reader) models(c *container) {
	words := software.SplitWords(c.words)
	for i, w := range words {
		flag, val, joined := strings.Cut(w, "=")
		if !slices.Contains(modelFlags, flag) {
			r.bucket(val, c.at.path+".args")
			r.bucket(w, c.at.path+".args")
			continue
		}
		if !joined && i+1 < len(words) {
			val = words[i+1]
		}
		r.model(val, c.at.path+".args")
	}
	for i := 0; i+2 < len(words); i++ {
		if base(words[i]) == "vllm" && words[i+1] == "serve" {
			r.model(words[i+2], c.at.path+".args")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.env)) {
		if slices.Contains(modelVariables, name) {
			r.model(c.env[name], c.at.path+".env")
		} else {
			r.bucket(c.env[name], c.at.path+".env")
		}
	}
}

// model declares that the asset serves what a reference names: an object
// store's prefix, a claim, or a repository of a model hub.
func (r *reader) model(ref, evidence string) {
	ref = strings.Trim(ref, `"'`)
	if ref == "" || strings.HasPrefix(ref, "-") || strings.ContainsAny(ref, "${}\n ") {
		return
	}
	id, claim := "", ""
	switch scheme, rest, found := strings.Cut(ref, "://"); {
	case found && scheme == "pvc":
		claim, _, _ = strings.Cut(rest, "/")
		id = r.a.ID + "#model/" + rest
	case found && scheme == "hf":
		id = "hf://" + rest
	case found:
		id = ref
	case strings.HasPrefix(ref, "/"), strings.HasPrefix(ref, "."):
		id = r.a.ID + "#model" + strings.TrimPrefix(ref, ".")
	case strings.Count(ref, "/") == 1:
		id = "hf://" + ref
	default:
		id = r.a.ID + "#model/" + ref
	}
	if !strings.Contains(id, "#") {
		ref = id // one name for one model, however it was spelt
	}
	config, _ := json.Marshal(map[string]string{"reference": ref})
	r.u.Parts = append(r.u.Parts, estate.Asset{
		ID: id, Type: ModelType, Cloud: estate.Kubernetes, Name: ref, Kind: estate.KindModel, Source: r.a.Source,
		Config: config, Reads: []estate.Read{{Operation: "kubernetes:list", Status: estate.ReadOK}},
	})
	verb := estate.Serves
	if r.shape() == estate.ClassTraining {
		verb = estate.Loads // the model that training starts from
	}
	r.join(r.a.ID, id, verb, evidence)
	if claim != "" {
		r.join(r.a.ID, r.local("PersistentVolumeClaim", claim), estate.Reads, evidence)
	}
	r.bucket(ref, evidence)
}

// bucket declares that an address of an object store is read.
func (r *reader) bucket(address, evidence string) {
	to := bucketID(strings.Trim(address, `"'`))
	if to == "" {
		return
	}
	r.join(r.a.ID, to, estate.Reads, evidence)
}

// bucketID names the bucket of an s3:// or gs:// address, "" for any other.
func bucketID(address string) string {
	scheme, rest, found := strings.Cut(address, "://")
	bucket, _, _ := strings.Cut(rest, "/")
	if !found || bucket == "" || strings.ContainsAny(bucket, "${}%,; \"'") {
		return ""
	}
	switch scheme {
	case "s3", "s3a", "s3n":
		return "arn:aws:s3:::" + bucket
	case "gs":
		return "//storage.googleapis.com/projects/_/buckets/" + bucket
	}
	return ""
}

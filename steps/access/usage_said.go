package access

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/steps/access/iam/reference"
)

// said is what an event's request and answer say, flat.
type said struct {
	region, account, partition string
	// values are texts by the name of the member they stand at, in lower case and
	// without what is no letter.
	values map[string][]string
	arns   []string
	named  []string // ARNs of the event's own list of resources
}

// Bounds of what is taken of one event.
const (
	maxSaid  = 2000
	maxDepth = 12
)

func newSaid(r *record) *said {
	s := &said{region: r.Region, account: r.Account, partition: "aws", values: map[string][]string{}}
	if s.account == "" {
		s.account = r.UserIdentity.Account
	}
	if a, ok := aws.ParseARN(r.UserIdentity.ARN); ok {
		s.partition = a.Partition
	}
	for _, one := range r.Resources {
		if one.ARN != "" {
			s.named = append(s.named, one.ARN)
		}
		if one.Prefix != "" {
			s.named = append(s.named, strings.TrimSuffix(one.Prefix, "*")+"*")
		}
	}
	s.arns = slices.Clone(s.named)
	for _, part := range []json.RawMessage{r.Request, r.Response} {
		var v any
		if len(part) > 0 && json.Unmarshal(part, &v) == nil {
			s.walk("", v, 0)
		}
	}
	return s
}

func (s *said) walk(name string, v any, depth int) {
	if depth > maxDepth || len(s.arns)+len(s.values) > maxSaid {
		return
	}
	if at := plain(name); at == "tags" || at == "tagset" {
		s.values["tags"] = append(s.values["tags"], "given") // whatever they are
	}
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			s.walk(k, v[k], depth+1)
		}
	case []any:
		for _, x := range v {
			s.walk(name, x, depth+1)
		}
	case string:
		if v == "" || len(v) > 2048 {
			return
		}
		at := plain(name)
		if !slices.Contains(s.values[at], v) {
			s.values[at] = append(s.values[at], v)
		}
		if strings.HasPrefix(v, "arn:") && !slices.Contains(s.arns, v) {
			s.arns = append(s.arns, v)
		}
	}
}

// plain is a name in lower case, its letters and digits only.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return -1
	}, name)
}

func (s *said) has(name string) bool { return len(s.values[name]) > 0 }

// variable is a part of an ARN's form: ${TrainingJobName}.
var variable = regexp.MustCompile(`\$\{([A-Za-z0-9]+)\}`)

// shape is an ARN's form taken apart.
type shape struct {
	variables [][]string // what stands there, and the name
	parts     []string   // of the form, with wild for each variable; nil if it is none
	specific  bool       // its variables are more than where it lies
}

// shapes keeps what was taken apart: there are some thousand forms, and a log asks
// for the same few at each event.
var shapes sync.Map

func shapeOf(form string) *shape {
	if s, ok := shapes.Load(form); ok {
		return s.(*shape)
	}
	s := &shape{variables: variable.FindAllStringSubmatch(form, -1)}
	for _, m := range s.variables {
		s.specific = s.specific || m[1] != "Partition" && m[1] != "Region" && m[1] != "Account"
	}
	if parts := strings.SplitN(variable.ReplaceAllString(form, wild), ":", 6); len(parts) == 6 {
		s.parts = parts
	}
	shapes.Store(form, s)
	return s
}

// also are names that requests give to what ARNs' forms call otherwise. Found by
// laying the forms of the Service Authorization Reference beside the members of
// the services' published models.
var also = map[string][]string{
	"objectname": {"key"}, "rolenamewithpath": {"rolename"}, "usernamewithpath": {"username"}, "groupnamewithpath": {"groupname"},
	"policynamewithpath": {"policyname"}, "instanceprofilenamewithpath": {"instanceprofilename"}, "parameternamewithoutleadingslash": {"name", "names"},
	"endpointname": {"endpointname"}, "clustername": {"name"}, "streamname": {"streamname"}, "topicname": {"topicname"}, "queuename": {"queuename"},
	"modelname": {"modelname"}, "databasename": {"databasename", "name"}, "knowledgebaseid": {"knowledgebaseid"}, "agentid": {"agentid"}, "keyid": {"keyid"},
	"functionname": {"functionname"}, "bucketname": {"bucketname", "bucket"}, "tablename": {"tablename", "name"}, "repositoryname": {"repositoryname"},
}

// wild stands for a variable of an ARN's form.
const wild = "\x00"

// fill writes a resource's form with what the event says; ok is false if a part
// of it is not said.
func (s *said) fill(form string) (arns []string, ok bool) {
	arns = []string{form}
	for _, m := range shapeOf(form).variables {
		var values []string
		switch m[1] {
		case "Partition":
			values = []string{s.partition}
		case "Region":
			values = []string{s.region}
		case "Account":
			values = []string{s.account}
		default:
			name := plain(m[1])
			for _, n := range append([]string{name}, also[name]...) {
				if values = s.values[n]; len(values) > 0 {
					break
				}
			}
			if name == "parameternamewithoutleadingslash" {
				values = trimmed(values)
			}
		}
		if len(values) == 0 || values[0] == "" || slices.ContainsFunc(values, func(v string) bool { return strings.HasPrefix(v, "arn:") || strings.ContainsAny(v, "*?$") }) {
			return nil, false
		}
		var next []string
		for _, a := range arns {
			for _, v := range values {
				next = append(next, strings.Replace(a, m[0], v, 1))
			}
		}
		if len(next) > 200 { // names of two lists, each with each
			return nil, false
		}
		arns = next
	}
	return arns, true
}

func trimmed(names []string) (out []string) {
	for _, n := range names {
		out = append(out, strings.TrimPrefix(n, "/"))
	}
	return out
}

// resources are the ARNs that an action was called on. untold says that some are
// not told.
func (s *said) resources(a *reference.Action) (out []string, untold bool) {
	if len(a.Uses) == 0 {
		return []string{"*"}, false
	}
	if arn, profile := s.model(a); arn != "" {
		return []string{arn}, profile
	}
	found, missing := 0, 0
	for i := range a.Uses {
		u := &a.Uses[i]
		got := s.matching(u.Resource.ARN)
		if len(got) == 0 {
			if filled, ok := s.fill(u.Resource.ARN); ok && (shapeOf(u.Resource.ARN).specific || u.Required && a.Service == "glue") {
				got = filled
			}
		}
		switch {
		case len(got) > 0:
			found++
			out = append(out, got...)
		case u.Required:
			missing++
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	switch {
	case found == 0:
		return []string{"*"}, true
	case missing > 0 && !(a.Service == "bedrock" && found == 1):
		// Several types are asked for, and one was not found. For Bedrock they are
		// alternatives: a call names one model.
		return out, true
	}
	return out, false
}

// model is the model that a call of Bedrock's names by its id alone. Of a profile
// the models behind it are asked for too, in several regions: profile is set then.
func (s *said) model(a *reference.Action) (arn string, profile bool) {
	id := s.first("modelid")
	if a.Service != "bedrock" || id == "" || strings.HasPrefix(id, "arn:") || strings.ContainsAny(id, "*?$ ") || !slices.ContainsFunc(a.Uses, func(u reference.Use) bool { return u.Resource.Name == "foundation-model" }) {
		return "", false
	}
	area, _, _ := strings.Cut(id, ".")
	if slices.Contains([]string{"us", "eu", "apac", "global", "jp", "au", "us-gov", "ca"}, area) {
		return "arn:" + s.partition + ":bedrock:" + s.region + ":" + s.account + ":inference-profile/" + id, true
	}
	return "arn:" + s.partition + ":bedrock:" + s.region + "::foundation-model/" + id, false
}

// matching are the ARNs of the event that have a form.
func (s *said) matching(form string) (out []string) {
	parts := shapeOf(form).parts
	if parts == nil {
		return nil
	}
	for _, arn := range s.arns {
		is := strings.SplitN(arn, ":", 6)
		if len(is) == 6 && is[2] == parts[2] && likeForm(is[5], parts[5]) && (parts[4] == wild) == (is[4] != "") {
			out = append(out, arn)
		}
	}
	return out
}

// likeForm reports whether a name has a form in which wild stands for any text
// that is not empty.
func likeForm(name, form string) bool {
	pieces := strings.Split(form, wild)
	if len(pieces) == 1 {
		return name == form
	}
	if !strings.HasPrefix(name, pieces[0]) {
		return false
	}
	name = name[len(pieces[0]):]
	for i, p := range pieces[1:] {
		if i == len(pieces)-2 { // the last
			return len(name) > len(p) && strings.HasSuffix(name, p) && (p != "" || single(form, name))
		}
		at := strings.Index(name, p)
		if at <= 0 {
			return false
		}
		name = name[at+len(p):]
	}
	return true
}

// single reports whether what is left of a name can be one part: an S3 bucket's
// form has none of the slash that an object's has, and a function's none of the
// colon of its versions.
func single(form, rest string) bool {
	if form == wild { // arn:aws:s3:::${BucketName}
		return !strings.ContainsAny(rest, "/")
	}
	return true
}

// beside are the calls that IAM asks for together with one: the roles that are
// passed, the source of a copy, the tags of what is made.
func (s *said) beside(one *Use, a *reference.Action) (out []Use) {
	add := func(action string, resources []string, untold bool) {
		known, ok := reference.Lookup(cutAction(action))
		if !ok {
			return
		}
		more := *one
		more.Action, more.Name, more.Derived, more.Resources, more.Untold = known.String(), known.String()+" with "+one.Name, true, resources, untold
		more.Data = dataPlane(more.Action) != ""
		out = append(out, more)
	}
	needs := slices.Clone(a.Depends)
	for i := range a.Uses {
		needs = append(needs, a.Uses[i].Depends...)
	}
	slices.Sort(needs)
	for _, need := range slices.Compact(needs) {
		switch _, name := cutAction(need); {
		case need == passRole:
			if roles := s.requestRoles(); len(roles) > 0 {
				add(need, roles, false)
			}
		case (name == "AddTags" || name == "TagResource" || name == "CreateTags") && s.has("tags"):
			add(need, one.Resources, one.Untold)
		}
	}
	if (one.Name == "s3:CopyObject" || one.Name == "s3:UploadPartCopy") && s.has("xamzcopysource") {
		for _, from := range s.values["xamzcopysource"] {
			path, version, _ := strings.Cut(strings.TrimPrefix(from, "/"), "?versionId=")
			action := "s3:GetObject"
			if version != "" {
				action = withVersion[action]
			}
			add(action, []string{"arn:" + s.partition + ":s3:::" + path}, strings.HasPrefix(from, "arn:"))
		}
	}
	return out
}

const passRole = "iam:PassRole"

// requestRoles are the roles that stand in the event.
func (s *said) requestRoles() (out []string) {
	for _, arn := range s.arns {
		if a, ok := aws.ParseARN(arn); ok && a.Service == "iam" && strings.HasPrefix(a.Resource, "role/") {
			out = append(out, arn)
		}
	}
	return out
}

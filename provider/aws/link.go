package aws

import (
	"regexp"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
)

// isID reports whether a value is an asset's id and no name to be completed: an
// ARN, or the id of what a plan or template will make.
func isID(s string) bool { return strings.HasPrefix(s, "arn:") || unborn(s) }

// unborn reports whether an id is of what is not born yet: terraform://ADDRESS
// in a plan, cloudformation://STACK/LogicalId in a template.
func unborn(s string) bool {
	return strings.HasPrefix(s, "terraform://") || strings.HasPrefix(s, "cloudformation://")
}

// byARN links to the ARN that stands there.
func byARN(n node, rel estate.RelationType) {
	s := n.str()
	if s == "" {
		return
	}
	if unborn(s) {
		n.relation(rel, s)
		return
	}
	if _, ok := ParseARN(s); !ok {
		n.problem("expected an ARN")
		return
	}
	n.relation(rel, s)
}

// ifARN links to an ARN and lets any other word be: the member also takes
// words that name nothing ("self", "PrivateIpAddresses").
func ifARN(n node, rel estate.RelationType) {
	if isID(n.str()) {
		n.relation(rel, n.str())
	}
}

// regional links to a resource of the asset's own account and region by name
// or id; prefix holds what stands before it in the ARN ("endpoint-config/").
func regional(service, prefix string) linker {
	return func(n node, rel estate.RelationType) {
		n.relation(rel, n.r.named(service, prefix, n.str()))
	}
}

// named completes a name; an ARN stands as it is, "" stays "".
func (r *reading) named(service, prefix, name string) string {
	if name == "" || isID(name) {
		return name
	}
	return r.arn(service, prefix+name)
}

// ec2 links to an EC2 resource by id.
func ec2(kind string) linker { return regional("ec2", kind+"/") }

// sm links to a SageMaker resource by name.
func sm(kind string) linker {
	return func(n node, rel estate.RelationType) { n.relation(rel, n.r.sagemaker(kind, n.str())) }
}

// sagemaker completes a SageMaker name. SageMaker writes names in lower case in
// its ARNs; where the asset's own ARN shows capitals the provider at hand does
// not, and the name stands as it is.
func (r *reading) sagemaker(kind, name string) string {
	if name != "" && !isID(name) && r.self.Resource == strings.ToLower(r.self.Resource) {
		name = strings.ToLower(name)
	}
	return r.named("sagemaker", kind+"/", name)
}

// role links to a role by ARN or name. ARNs of assumed sessions lead to the
// role behind them.
func role(n node, rel estate.RelationType) { n.relation(rel, n.r.roleID(n.str())) }

func (r *reading) roleID(s string) string {
	if a, ok := ParseARN(s); ok {
		if a.Service == "sts" {
			if name, _, ok := strings.Cut(strings.TrimPrefix(a.Resource, "assumed-role/"), "/"); ok {
				return ARN{a.Partition, "iam", "", a.Account, "role/" + name}.String()
			}
		}
		return s
	}
	if s == "" || isID(s) {
		return s
	}
	return r.global("iam", "role/"+strings.TrimPrefix(strings.TrimPrefix(s, "/"), "role/"))
}

// profile links to an instance profile by ARN or name.
func profile(n node, rel estate.RelationType) {
	s := n.str()
	if s != "" && !isID(s) {
		s = n.r.global("iam", "instance-profile/"+s)
	}
	n.relation(rel, s)
}

// key links to a KMS key by ARN, id or alias. An alias stays an alias: which
// key it names is the alias's own relation.
func key(n node, rel estate.RelationType) {
	s := n.str()
	switch {
	case s == "" || s == "AWS_OWNED_KMS_KEY" || s == "AWS_OWNED_KEY" || s == "default":
	case isID(s), strings.HasPrefix(s, "alias/"):
		n.relation(rel, n.r.named("kms", "", s))
	default:
		n.relation(rel, n.r.arn("kms", "key/"+s))
	}
}

// bucket links to an S3 bucket by name or ARN.
func bucket(n node, rel estate.RelationType) { n.relation(rel, n.r.bucketID(n.str())) }

func (r *reading) bucketID(name string) string {
	if name == "" || isID(name) {
		a, ok := ParseARN(name)
		if ok && a.Service == "s3" && a.Account == "" {
			a.Resource, _, _ = strings.Cut(a.Resource, "/")
			return a.String()
		}
		return name
	}
	return ARN{r.partition(), "s3", "", "", name}.String()
}

// s3 links to what an S3 address means: the bucket, and the prefix in it as a
// data set of its own.
func s3(n node, rel estate.RelationType) { n.r.location(n, rel, "prefix") }

// artefact links to one object in S3, as a model archive or a script is.
func artefact(n node, rel estate.RelationType) { n.r.location(n, rel, "object") }

// location relates the asset to the bucket and to the part of it an address
// names; the bucket contains the part. Trains and serves name the part alone:
// a bucket is not a model.
func (r *reading) location(n node, rel estate.RelationType, part string) {
	name, path, ok := parseS3(n.str())
	if !ok {
		if n.str() != "" {
			n.problem("expected an S3 address (s3://BUCKET/KEY)")
		}
		return
	}
	whole := r.bucketID(name)
	onBucket := rel
	if rel == estate.Loads { // what is loaded is the object; of the bucket it is a read
		onBucket = estate.Reads
	}
	if path == "" {
		if rel != estate.Trains {
			n.relation(onBucket, whole)
		}
		return
	}
	if strings.HasSuffix(path, "/") {
		part = "prefix"
	}
	id, kind := whole+"#"+part+"/"+path, estate.KindDataset
	typ := "AWS::S3::Prefix"
	if part == "object" {
		typ = "AWS::S3::Object"
		if rel == estate.Trains || rel == estate.Serves || modelArchive.MatchString(path) {
			kind = estate.KindModel
		}
	}
	r.part(estate.Asset{ID: id, Type: typ, Kind: kind, Name: path, Region: r.region()})
	r.relate(whole, estate.Contains, id, r.a.ID+" "+n.path)
	n.relation(rel, id)
	if rel != estate.Trains && rel != estate.Serves {
		n.relation(onBucket, whole)
	}
}

// modelArchive matches the names trained models are stored under.
var modelArchive = regexp.MustCompile(`(?i)(model[^/]*\.tar\.gz|\.(safetensors|gguf|onnx|pt|pth|ckpt|h5|keras|pkl|joblib|pb|mlmodel))$`)

// virtualHost matches the host of an S3 address written as a URL: the bucket
// before it, or in the path.
var virtualHost = regexp.MustCompile(`^(?:(.+)\.)?s3(?:[.-][a-z0-9-]+)*\.amazonaws\.com(?:\.cn)?$`)

// parseS3 takes s3://, s3a:// and https:// addresses, and ARNs of objects,
// apart into bucket and key or prefix.
func parseS3(s string) (bucket, path string, ok bool) {
	if a, isARN := ParseARN(s); isARN {
		if a.Service != "s3" || a.Account != "" {
			return "", "", false
		}
		bucket, path, _ = strings.Cut(a.Resource, "/")
		return bucket, strings.TrimSuffix(path, "*"), bucket != ""
	}
	scheme, rest, found := strings.Cut(s, "://")
	if !found {
		return "", "", false
	}
	host, path, _ := strings.Cut(rest, "/")
	switch scheme {
	case "s3", "s3a", "s3n", "S3":
		return host, path, host != ""
	case "https", "http":
		m := virtualHost.FindStringSubmatch(host)
		if m == nil {
			return "", "", false
		}
		if m[1] != "" {
			return m[1], path, true
		}
		bucket, path, _ = strings.Cut(path, "/")
		return bucket, path, bucket != ""
	}
	return "", "", false
}

// ecrHost matches a private ECR registry's host.
var ecrHost = regexp.MustCompile(`^([0-9]{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws|amazonaws\.eu)$`)

// image links to a container image, and the image to the repository it lies in
// where that is ECR's.
func image(n node, rel estate.RelationType) {
	ref := n.str()
	if ref == "" || strings.HasPrefix(ref, "arn:") {
		n.relation(rel, ref) // a SageMaker image version has an ARN
		return
	}
	id := "image://" + ref
	n.r.part(estate.Asset{ID: id, Type: estate.ImageType, Kind: estate.KindImage, Name: ref})
	n.relation(rel, id)
	if repo := repository(ref); repo != "" {
		n.r.relate(repo, estate.Contains, id, n.r.a.ID+" "+n.path)
	}
}

// repository is the ARN of the ECR repository an image lies in, "" when it is
// another registry's.
func repository(ref string) string {
	host, path, ok := strings.Cut(ref, "/")
	m := ecrHost.FindStringSubmatch(host)
	if !ok || m == nil {
		return ""
	}
	path, _, _ = strings.Cut(path, "@")
	if i := strings.LastIndexByte(path, ':'); i > strings.LastIndexByte(path, '/') {
		path = path[:i]
	}
	return ARN{partitionOf(m[2]), "ecr", m[2], m[1], "repository/" + path}.String()
}

// logGroup links to a CloudWatch log group by name or ARN; the ":*" some
// services add to the ARN is no part of it.
func logGroup(n node, rel estate.RelationType) {
	n.relation(rel, strings.TrimSuffix(n.r.named("logs", "log-group:", n.str()), ":*"))
}

// function links to a Lambda function by ARN or name. A version or alias leads
// to the function, whose rights and code it has.
func function(n node, rel estate.RelationType) { n.relation(rel, n.r.functionID(n.str())) }

func (r *reading) functionID(s string) string {
	if i := strings.Index(s, ":lambda:path/"); i >= 0 { // API Gateway's wrapping
		_, s, _ = strings.Cut(s, "/functions/")
		s = strings.TrimSuffix(s, "/invocations")
	}
	a, ok := ParseARN(s)
	if !ok && isID(s) {
		return s
	}
	if !ok {
		name, _, _ := strings.Cut(s, ":")
		return r.named("lambda", "function:", name)
	}
	if parts := strings.Split(a.Resource, ":"); a.Service == "lambda" && len(parts) > 2 && parts[0] == "function" {
		a.Resource = parts[0] + ":" + parts[1]
	}
	return a.String()
}

// host links to a server outside AWS's own naming (a vector store's endpoint).
func host(n node, rel estate.RelationType) {
	s := n.str()
	if _, after, ok := strings.Cut(s, "://"); ok {
		s = after
	}
	s, _, _ = strings.Cut(s, "/")
	if s == "" {
		return
	}
	id := "host://" + strings.ToLower(s)
	n.r.part(estate.Asset{ID: id, Type: "sevenfold::Host", Kind: estate.KindService, Name: s})
	n.relation(rel, id)
}

// account links to an account by its number.
func account(n node, rel estate.RelationType) {
	s := n.str()
	if isAccount(s) {
		s = ARN{n.r.partition(), "iam", "", s, "root"}.String()
	}
	n.relation(rel, s)
}

// foundation links to a model by ARN or by the id Bedrock gives its foundation
// models and inference profiles.
func foundation(n node, rel estate.RelationType) { n.relation(rel, n.r.modelID(n.str())) }

// profilePrefix matches the geography a system-defined inference profile's id
// begins with.
var profilePrefix = regexp.MustCompile(`^(us|us-gov|eu|apac|jp|au|ca|global)\.[a-z0-9-]+\.`)

func (r *reading) modelID(s string) string {
	switch {
	case s == "" || isID(s):
		return s
	case profilePrefix.MatchString(s):
		return r.arn("bedrock", "inference-profile/"+s)
	default:
		return ARN{r.partition(), "bedrock", r.region(), "", "foundation-model/" + s}.String()
	}
}

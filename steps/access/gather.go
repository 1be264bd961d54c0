package access

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
	"github.com/sevenfold-sec/sevenfold/provider/kubernetes"
)

// gather notes the identities, what tells of their credentials and owners, the
// roles with their trust, and who binds whom in clusters.
func (v *view) gather(ctx context.Context) error {
	var wide []object
	for n, a := range v.snap.Assets() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if a.Cloud == estate.Kubernetes {
			if err := v.direct.cluster.note(n, a); err != nil {
				return err
			}
		}
		switch {
		case isIdentity(a):
			v.people = append(v.people, n)
			if a.Type == "AWS::IAM::Role" && !a.Referenced {
				wide = append(wide, v.trustOf(n, a)...)
			}
		case a.Type == "AWS::IAM::AccessKey":
			if user, ok := v.snap.Find(strings.SplitN(a.ID, "#", 2)[0]); ok {
				v.keysOf[user] = append(v.keysOf[user], n)
			}
		case a.Type == "v1/Secret" && !a.Referenced:
			v.token(n, a)
		case a.Type == "v1/Namespace":
			v.namespace(n, a)
		}
	}
	v.roles = newShelf(wide)
	var picky []int32
	for i := range v.roles.all {
		if markOf([]byte(v.roles.all[i].says))&asksWho != 0 {
			picky = append(picky, int32(i))
		}
	}
	v.pickyRoles = runs(picky)
	for i := range v.workloads {
		w := &v.workloads[i]
		for _, id := range w.Members {
			n, ok := v.snap.Find(id)
			if !ok {
				continue
			}
			for e := range v.snap.Out(n) {
				if e.Type == estate.RunsAs {
					v.runners[e.Node] = append(v.runners[e.Node], runner{w.Name, w.Owner})
				}
			}
		}
	}
	return nil
}

// isIdentity reports whether an asset is somebody who may act.
func isIdentity(a *estate.Asset) bool {
	switch a.Type {
	case "AWS::IAM::Group", "AWS::IAM::VirtualMFADevice", "CertificateSigningRequest":
		return false // members act, not the group; a device is a factor
	case "AWS::Organizations::Account":
		return strings.HasSuffix(a.ID, ":root")
	case aws.ServicePrincipalType, "AWS::IAM::User", "AWS::IAM::Role", "AWS::IAM::InstanceProfile", "AWS::IAM::OIDCProvider", "AWS::IAM::SAMLProvider",
		"AWS::FederatedPrincipal", "AWS::IAM::DeletedPrincipal", "AWS::S3::CanonicalUser",
		kubernetes.UserType, kubernetes.GroupType, "v1/ServiceAccount":
		return true
	}
	if a.ID == aws.Everyone {
		return true
	}
	// Named by a policy and read by nobody.
	return a.Referenced && (strings.HasPrefix(a.ID, "arn:") && (strings.Contains(a.ID, ":iam::") || strings.Contains(a.ID, ":sts::")) &&
		(strings.HasSuffix(a.ID, ":root") || strings.Contains(a.ID, ":role/") || strings.Contains(a.ID, ":user/") || strings.Contains(a.ID, "-provider/") || strings.Contains(a.ID, ":assumed-role/")) ||
		strings.HasPrefix(a.ID, "k8s://") && strings.Contains(a.ID, "/ServiceAccount/"))
}

// trustOf notes which statements of a role's trust have conditions, and returns
// the role as an object for each account that its trust names as a whole.
func (v *view) trustOf(n estate.Node, a *estate.Asset) []object {
	var role struct {
		AssumeRolePolicyDocument json.RawMessage
		GetRole                  struct {
			AssumeRolePolicyDocument json.RawMessage
			Role                     struct{ AssumeRolePolicyDocument json.RawMessage }
		}
	}
	config, err := v.snap.Config(n)
	if err != nil || json.Unmarshal(config, &role) != nil {
		return nil // said by describe
	}
	says := a.Account
	for _, doc := range []json.RawMessage{role.AssumeRolePolicyDocument, role.GetRole.AssumeRolePolicyDocument, role.GetRole.Role.AssumeRolePolicyDocument} {
		statements, problems := aws.Statements(doc)
		for i := range statements {
			if len(statements[i].Conditions) > 0 {
				v.tiedTrust[trust{n, statements[i].Index}] = true
			}
		}
		for _, p := range problems {
			v.unread = append(v.unread, fmt.Sprintf("trust policy of %s could not be understood (%s: %s): who may take it is unknown", a.ID, p.Path, p.Why))
		}
		if len(statements) > 0 || len(problems) > 0 {
			says += "\x00" + strings.ReplaceAll(string(doc), a.ID, "\x00")
			break
		}
	}
	arn, ok := aws.ParseARN(a.ID)
	if !ok {
		return nil
	}
	var out []object
	for e := range v.snap.Out(n) {
		p := v.snap.Asset(e.Node)
		if e.Type != estate.Trusts || !strings.HasSuffix(p.ID, ":root") {
			continue
		}
		if !slices.ContainsFunc(out, func(o object) bool { return o.account == accountOf(p) }) {
			out = append(out, object{node: n, id: a.ID, arn: arn, account: accountOf(p), says: says})
		}
	}
	return out
}

// token notes a Secret that holds a service account's token, which does not
// expire.
func (v *view) token(n estate.Node, a *estate.Asset) {
	config, err := v.snap.Config(n)
	if err != nil || !bytes.Contains(config, []byte("kubernetes.io/service-account-token")) {
		return
	}
	var secret struct {
		Type     string
		Metadata struct {
			Annotations       map[string]string
			CreationTimestamp time.Time
		}
	}
	if json.Unmarshal(config, &secret) != nil || secret.Type != "kubernetes.io/service-account-token" {
		return
	}
	account := kubernetes.ID(a.Account, a.Region, "", "ServiceAccount", secret.Metadata.Annotations["kubernetes.io/service-account.name"])
	v.tokens[account] = append(v.tokens[account], Credential{Type: "token", ID: a.ID, Active: true, Created: secret.Metadata.CreationTimestamp})
}

// namespace notes who answers for a namespace.
func (v *view) namespace(n estate.Node, a *estate.Asset) {
	owner, key := ownerIn(a.Tags)
	from := "label " + key + " of namespace " + a.Name
	if owner == "" {
		config, err := v.snap.Config(n)
		var meta struct {
			Metadata struct{ Annotations map[string]string }
		}
		if err != nil || len(config) > 0 && json.Unmarshal(config, &meta) != nil {
			return
		}
		owner, key = ownerIn(meta.Metadata.Annotations)
		from = "annotation " + key + " of namespace " + a.Name
	}
	if owner != "" {
		v.namespaces[site{a.Account, a.Name}] = claim{owner, from}
	}
}

// aiServices are the services whose assets are AI though no workload holds them.
var aiServices = []string{"AWS::SageMaker::", "AWS::Bedrock::", "AWS::BedrockAgentCore::", "AWS::S3Vectors::", "AWS::Kendra::", "AWS::QBusiness::", "AWS::Comprehend::",
	"AWS::Personalize::", "AWS::Forecast::", "AWS::Lex::", "AWS::OpenSearchServerless::Collection"}

// choose picks the AI assets, orders them, and joins them with the workloads.
func (v *view) choose(ctx context.Context) error {
	picked := map[estate.Node]bool{}
	byWorkload := make([][]estate.Node, len(v.workloads))
	for i := range v.workloads {
		w := &v.workloads[i]
		for _, id := range v.interest(w) {
			if n, ok := v.snap.Find(id); ok {
				picked[n] = true
				byWorkload[i] = append(byWorkload[i], n)
			}
		}
	}
	for n, a := range v.snap.Assets() {
		if a.Cloud != estate.AWS || a.Referenced || strings.Contains(a.ID, "#") || !slices.ContainsFunc(aiServices, func(p string) bool { return strings.HasPrefix(a.Type, p) }) {
			continue
		}
		switch a.Kind {
		case estate.KindModel, estate.KindEndpoint, estate.KindDataset, estate.KindStore, estate.KindCompute, estate.KindPipeline:
			picked[n] = true
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	var clouds []object
	var pods, others []estate.Node
	for n := range picked {
		a := v.snap.Asset(n)
		arn, ok := aws.ParseARN(a.ID)
		switch {
		case strings.HasPrefix(a.ID, "k8s://"):
			pods = append(pods, n)
		case ok:
			account := a.Account
			if account == "" || arn.Service != "s3" && arn.Account == "" {
				account = arn.Account
			}
			clouds = append(clouds, object{node: n, id: a.ID, arn: arn, account: account})
		default:
			others = append(others, n)
		}
	}
	v.objects = newShelf(clouds)
	v.cluster(pods)
	slices.Sort(others)
	for _, n := range others {
		v.objects.add(object{node: n, id: v.snap.Asset(n).ID, account: v.snap.Asset(n).Account})
		v.dark["# lie with a provider whose grants this version does not read: who may touch them is unknown"]++
	}
	v.of, v.in = make([][]int32, len(v.workloads)), make([][]int32, len(v.objects.all))
	for w, nodes := range byWorkload {
		for _, n := range nodes {
			i := v.objects.at[n]
			v.of[w] = append(v.of[w], i)
			v.in[i] = append(v.in[i], int32(w))
		}
	}
	return nil
}

// interest is what of a workload can be touched: its roots, what it is made of
// and touches that holds something, and whom it runs as.
func (v *view) interest(w *finding.Workload) []string {
	ids := v.direct.interest(*w)
	for _, id := range slices.Concat(w.Members, w.Touches) {
		if n, ok := v.snap.Find(id); ok && v.snap.Asset(n).Type == "AWS::IAM::Role" && len(v.runners[n]) > 0 {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// policyReads are the operations that tell whom an asset's own policy names.
var policyReads = map[string]string{
	"AWS::S3::Bucket": "s3:GetBucketPolicy", "AWS::KMS::Key": "kms:GetKeyPolicy", "AWS::SecretsManager::Secret": "secretsmanager:GetResourcePolicy",
	"AWS::ECR::Repository": "ecr:GetRepositoryPolicy", "AWS::Lambda::Function": "lambda:GetPolicy", "AWS::SageMaker::ModelPackageGroup": "sagemaker:GetModelPackageGroupPolicy",
}

// readOwnPolicies notes whom the assets' own policies name.
func (v *view) readOwnPolicies(ctx context.Context) error {
	for i := range v.objects.all {
		o := &v.objects.all[i]
		if err := ctx.Err(); err != nil {
			return err
		}
		a := *v.snap.Asset(o.node)
		if o.arn.Service == "" {
			continue
		}
		if op := policyReads[a.Type]; op != "" && !readOf(&a, op).Known() {
			v.dark["own policy of # was not read ("+op+"): whom it names is unknown"]++
		}
		config, err := v.snap.Config(o.node)
		if err != nil {
			return fmt.Errorf("policy of %s: %w", a.ID, err)
		}
		if !bytes.Contains(config, []byte("Statement")) || a.Type == "AWS::IAM::Role" {
			continue
		}
		a.Config = config
		policies, problems := aws.Policies(&a)
		for _, p := range problems {
			if strings.Contains(p.Path, "olicy") {
				v.unread = append(v.unread, fmt.Sprintf("own policy of %s could not be understood (%s: %s): whom it names is unknown", a.ID, p.Path, p.Why))
			}
		}
		byIndex := map[int][]*aws.Statement{}
		for _, p := range policies {
			for k := range p.Statements {
				if s := &p.Statements[k]; p.Kind == aws.ResourcePolicy {
					byIndex[s.Index] = append(byIndex[s.Index], s)
				}
			}
		}
		v.saysItself[o.node] = byIndex
		v.namedBy(int32(i), o, byIndex)
	}
	return nil
}

// namedBy notes the principals that the statements of an object's own policy
// name. The account itself is not one of them: naming it leaves the matter to
// the policies of its identities.
func (v *view) namedBy(i int32, o *object, byIndex map[int][]*aws.Statement) {
	for part := range v.snap.Out(o.node) {
		_, place, found := strings.Cut(v.snap.Asset(part.Node).ID, "#statement/")
		if part.Type != estate.Contains || !found {
			continue
		}
		index, err := strconv.Atoi(place)
		if err != nil {
			continue
		}
		var l Level
		tied := true
		var keys []string
		for _, s := range byIndex[index] {
			if s.Effect == "Allow" {
				l |= granted(s, o.arn.Service)
				tied = tied && len(s.Conditions) > 0
				keys = append(keys, keysOf(s)...)
			}
		}
		if l == 0 {
			continue
		}
		for e := range v.snap.Out(part.Node) {
			p := v.snap.Asset(e.Node)
			if e.Type != estate.Grants || strings.HasSuffix(p.ID, ":root") && accountOf(p) == o.account {
				continue
			}
			v.give(e.Node, l, span{i, i + 1}, tied, Way{Via: v.snap.Asset(part.Node).ID, Levels: l.Names(), Assets: 1, Conditions: keys})
		}
	}
}

// give notes what a principal has by name.
func (v *view) give(to estate.Node, l Level, on span, tied bool, by Way) {
	h := v.own[to]
	if h == nil {
		h = &held{ways: map[string]*Way{}, levels: map[string]Level{}, on: map[string]spans{}}
		v.own[to] = h
	}
	for i := range h.reach.sure {
		switch {
		case l&(1<<i) == 0:
		case tied:
			h.reach.tied[i] = append(h.reach.tied[i], on)
		default:
			h.reach.sure[i] = append(h.reach.sure[i], on)
		}
	}
	h.levels[by.Via] |= l
	h.on[by.Via] = append(h.on[by.Via], on)
	if known := h.ways[by.Via]; known != nil {
		known.Assets += by.Assets
		return
	}
	h.ways[by.Via] = &by
}

// share tidies what was given by name, and notes what is given to an account as
// a whole, and to everyone: an account's identities have it if their own policies say
// so too.
func (v *view) share(context.Context) error {
	for n, h := range v.own {
		for i := range h.reach.sure {
			h.reach.sure[i], h.reach.tied[i] = tidy(h.reach.sure[i]), tidy(h.reach.tied[i])
		}
		for via, w := range h.ways {
			w.Levels = h.levels[via].Names()
			h.list = append(h.list, *w)
		}
		sortWays(h.list)
		a := v.snap.Asset(n)
		if a.Cloud == estate.Kubernetes {
			continue
		}
		account := accountOf(a)
		v.givenTo[account] = join(v.givenTo[account], h.reach.any())
		switch {
		case a.ID == aws.Everyone:
			v.public = h.reach.any()
		case strings.HasSuffix(a.ID, ":root"):
			v.shared[account] = h.reach.any()
		}
	}
	return nil
}

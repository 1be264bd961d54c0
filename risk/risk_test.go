package risk

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/finding"
	"github.com/sevenfold-sec/sevenfold/scope"
)

// world is a little estate written as people read it.
type world struct {
	t         testing.TB
	assets    []estate.Asset
	relations []estate.Relation
	blind     []estate.BlindSpot
}

// asset adds one; kind of the id's first word.
func (w *world) asset(id, typ string, kind estate.Kind) *world {
	w.assets = append(w.assets, estate.Asset{ID: id, Type: typ, Kind: kind, Cloud: estate.AWS, Account: "1", Config: []byte(`{}`),
		Reads: []estate.Read{{Operation: "x:Describe", Status: estate.ReadOK}}})
	return w
}

// root marks the last asset as the root of a workload.
func (w *world) root() *world {
	w.assets[len(w.assets)-1].Root = &estate.Root{Class: estate.ClassEndpoint, Why: "a test"}
	return w
}

func (w *world) rel(from string, rel estate.RelationType, to string) *world {
	w.relations = append(w.relations, estate.Relation{From: from, To: to, Type: rel, Tier: estate.Declared})
	return w
}

func (w *world) snapshot() *estate.Snapshot {
	w.t.Helper()
	b := estate.NewBuilder(time.Unix(0, 0))
	for _, a := range w.assets {
		b.Asset(a)
	}
	for _, s := range w.blind {
		b.BlindSpot(s)
	}
	snap, err := b.Build()
	if err == nil {
		snap, err = snap.With(w.assets, w.relations, nil)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return snap
}

// facts are those of the tests' controls.
var testFacts = map[string]Fact{
	"open": {Entry: Internet}, "readable": {Entry: Internet, Gives: "reading"}, "writable": {Entry: Internet, Gives: "changing"},
	"foreign": {Entry: Stranger}, "leaked": {Entry: Leaked}, "behind": {Entry: SignIn},
	"admin": {Prize: Administrator}, "secrets": {Prize: Secrets}, "clear": {Prize: Credential}, "ai": {Prize: AIService}, "door": {Door: true}, "near": {Entry: Internet, Gives: "meeting"},
}

func fault(control, asset string) finding.Finding {
	return finding.Finding{ID: finding.NewID(control, asset, ""), Control: control, Asset: asset, Status: finding.Fail, Severity: finding.High, Title: "is " + control}
}

// assess runs Assess and returns the risks in the order of the findings.
func assess(t testing.TB, snap *estate.Snapshot, s *scope.Scope, o Options, fs ...finding.Finding) []*finding.Risk {
	t.Helper()
	w, err := s.Workloads(snap)
	if err != nil {
		t.Fatal(err)
	}
	if o.Facts == nil {
		o.Facts = testFacts
	}
	Assess(snap, w, fs, o)
	var out []*finding.Risk
	for _, f := range fs {
		out = append(out, f.Risk)
	}
	return out
}

// notebook is open to the internet through a firewall group, runs as a role
// that is an administrator, and reads a bucket.
func notebook(t testing.TB) *world {
	return (&world{t: t}).asset("sg", "AWS::EC2::SecurityGroup", estate.KindNetwork).
		asset("notebook", "AWS::SageMaker::NotebookInstance", estate.KindCompute).root().
		asset("role", "AWS::IAM::Role", estate.KindIdentity).
		asset("bucket", "AWS::S3::Bucket", estate.KindStore).
		rel("notebook", estate.Attached, "sg").rel("notebook", estate.RunsAs, "role").rel("notebook", estate.Reads, "bucket")
}

func TestPathFromEntryToAdministrator(t *testing.T) {
	snap := notebook(t).snapshot()
	got := assess(t, snap, scope.Default(), Options{}, fault("open", "sg"), fault("admin", "role"), fault("other", "notebook"), fault("other", "bucket"))
	admin := []string{"internet", "meets sg", "lets in to notebook", "runs as role"}
	for i := range 3 {
		if diff := cmp.Diff(admin, got[i].Path); diff != "" {
			t.Errorf("%d (-want +got):\n%s", i, diff)
		}
	}
	if diff := cmp.Diff([]string{"internet", "meets sg", "lets in to notebook", "reads bucket"}, got[3].Path); diff != "" {
		t.Errorf("bucket (-want +got):\n%s", diff)
	}
	want := []string{"severity high", "entry: internet (is open)", "leads to administrator rights: role (is admin)", "steps after the entry: 2", "holds once notebook acts for the attacker"}
	if diff := cmp.Diff(want, got[0].Factors); diff != "" {
		t.Errorf("factors (-want +got):\n%s", diff)
	}
	if got[0].Score != 75 || got[3].Score >= got[0].Score {
		t.Errorf("scores %d and %d, want 75 (80 × 0.97²) and less", got[0].Score, got[3].Score)
	}
}

func TestOffEveryPath(t *testing.T) {
	w := notebook(t).asset("alone", "AWS::S3::Bucket", estate.KindStore).asset("met", "AWS::Lambda::Function", estate.KindCompute)
	snap := w.snapshot()
	got := assess(t, snap, scope.Default(), Options{}, fault("open", "met"), fault("other", "alone"), fault("admin", "role"), fault("other", "nowhere"))
	for i, want := range []struct {
		score  int
		factor string
	}{{32, "nothing of worth found beyond it"}, {24, "no path from an entry point found"}, {24, "leads to administrator rights"}, {48, "path not known: the estate holds no such asset"}} {
		if got[i].Score != want.score || !slices.Contains(got[i].Factors, want.factor) || len(got[i].Path) != 0 || got[i].Path == nil {
			t.Errorf("%d: %+v, want %+v", i, *got[i], want)
		}
	}
}

// TestBlindSpotsMakeThePathUnknown: what could not be read may hold the
// missing relation.
func TestBlindSpotsMakeThePathUnknown(t *testing.T) {
	for name, blind := range map[string]estate.BlindSpot{
		"of_the_asset":    {Operation: "iam:GetRole", Asset: "role", Status: estate.ReadDenied, Why: "AccessDenied"},
		"of_the_account":  {Operation: "ec2:DescribeInstances", Account: "1", Status: estate.ReadDenied},
		"of_everything":   {Operation: "read aws", Status: estate.ReadFailed},
		"another_account": {Operation: "ec2:DescribeInstances", Account: "2", Status: estate.ReadDenied},
		"left_out":        {Operation: "glue:GetJobRuns", Account: "1", Status: estate.ReadSkipped},
	} {
		w := notebook(t)
		w.blind = []estate.BlindSpot{blind}
		got := assess(t, w.snapshot(), scope.Default(), Options{}, fault("admin", "role"))[0]
		unknown := strings.HasPrefix(got.Factors[1], "path not known: "+blind.Operation)
		if want := name != "another_account" && name != "left_out"; unknown != want || want != (got.Score == 48) {
			t.Errorf("%s: %+v, want unknown %v", name, *got, want)
		}
	}
	undecided := fault("open", "sg")
	undecided.Status = finding.Unknown
	got := assess(t, notebook(t).snapshot(), scope.Default(), Options{}, undecided, fault("admin", "role"))[1]
	if got.Score != 48 || got.Factors[1] != "path not known: whether an attacker may begin before it could not be decided" {
		t.Errorf("an entry that is undecided: %+v", *got)
	}
}

func TestWhatIsWorthReaching(t *testing.T) {
	s, err := scope.Parse("t.yaml", []byte("estate: t\nzones: {serving: {match: 'name == \"prod\"'}}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		typ    string
		kind   estate.Kind
		root   bool
		label  []string
		factor string
	}{
		"secret":    {"AWS::SecretsManager::Secret", estate.KindSecret, false, nil, "leads to secrets: "},
		"kms_key":   {"AWS::KMS::Key", estate.KindSecret, false, nil, ""},
		"access":    {"AWS::IAM::AccessKey", estate.KindSecret, false, nil, ""},
		"prod":      {"AWS::S3::Bucket", estate.KindStore, false, nil, "leads to production: "},
		"plain":     {"AWS::S3::Bucket", estate.KindStore, false, nil, ""},
		"labelled":  {"AWS::S3::Bucket", estate.KindStore, false, []string{"PHI"}, "leads to labelled data: "},
		"role":      {"AWS::IAM::Role", estate.KindIdentity, false, nil, ""},
		"other_net": {"AWS::EC2::Subnet", estate.KindNetwork, false, nil, ""},
	} {
		w := (&world{t: t}).asset("entry", "AWS::Lambda::Function", estate.KindCompute).asset("x", tt.typ, tt.kind).rel("entry", estate.Reads, "x")
		w.assets[1].Name = name
		got := assess(t, w.snapshot(), s, Options{Labels: func(_ estate.Node, a *estate.Asset) []string {
			if a.ID == "x" {
				return tt.label
			}
			return nil
		}}, fault("open", "entry"))[0]
		found := slices.ContainsFunc(got.Factors, func(f string) bool { return tt.factor != "" && strings.HasPrefix(f, tt.factor+"x") })
		if found != (tt.factor != "") || found != (len(got.Path) > 0) {
			t.Errorf("%s: %+v, want %q", name, *got, tt.factor)
		}
	}
}

// TestMoves walks one relation each, in both directions, and says what comes
// of it.
func TestMoves(t *testing.T) {
	typeOf := map[string]struct {
		typ  string
		kind estate.Kind
	}{
		"compute": {"AWS::SageMaker::TrainingJob", estate.KindCompute}, "role": {"AWS::IAM::Role", estate.KindIdentity}, "group": {"AWS::IAM::Group", estate.KindIdentity},
		"policy": {"AWS::IAM::ManagedPolicy", estate.KindPolicy}, "bucket": {"AWS::S3::Bucket", estate.KindStore}, "object": {"AWS::S3::Object", estate.KindDataset},
		"subnet": {"AWS::EC2::Subnet", estate.KindNetwork}, "service": {"v1/Service", estate.KindNetwork}, "image": {estate.ImageType, estate.KindImage},
		"model": {"AWS::SageMaker::Model", estate.KindModel}, "endpoint": {"AWS::SageMaker::Endpoint", estate.KindEndpoint}, "ec2svc": {"AWS::ServicePrincipal", estate.KindService},
		"key": {"AWS::IAM::AccessKey", estate.KindSecret}, "user": {"AWS::IAM::User", estate.KindIdentity}, "sg": {"AWS::EC2::SecurityGroup", estate.KindNetwork},
		"statement": {estate.SetType, estate.KindPolicy}, "kms": {"AWS::KMS::Key", estate.KindSecret},
	}
	for _, tt := range []struct {
		entry string // a control that makes the first asset an entry
		from  string
		rel   estate.RelationType
		to    string
		back  bool // the relation stands the other way round
		want  string
	}{
		{"open", "compute", estate.RunsAs, "role", false, "runs as role"},
		{"open", "role", estate.RunsAs, "compute", true, ""},
		{"readable", "compute", estate.RunsAs, "role", false, ""},
		{"open", "user", estate.MemberOf, "group", false, "belongs to group"},
		{"open", "compute", estate.MemberOf, "subnet", false, ""},
		{"open", "subnet", estate.MemberOf, "compute", true, ""},
		{"open", "role", estate.Attached, "policy", false, "holds policy"},
		{"open", "sg", estate.Attached, "compute", true, "lets in to compute"},
		{"open", "compute", estate.Attached, "sg", false, ""},
		{"open", "key", estate.Contains, "user", true, "belongs to user"},
		{"open", "user", estate.Contains, "key", false, ""},
		{"readable", "bucket", estate.Contains, "object", false, "contains object"},
		{"readable", "object", estate.Contains, "bucket", true, ""},
		{"open", "compute", estate.Reads, "bucket", false, "reads bucket"},
		{"writable", "bucket", estate.Reads, "compute", true, "feeds compute"},
		{"readable", "bucket", estate.Reads, "compute", true, ""},
		{"open", "compute", estate.Writes, "bucket", false, "writes bucket"},
		{"writable", "bucket", estate.Writes, "compute", true, ""},
		{"open", "compute", estate.Trains, "model", false, "trains model"},
		{"writable", "model", estate.Serves, "endpoint", true, "answers through endpoint"},
		{"open", "endpoint", estate.Serves, "model", false, "serves model"},
		{"writable", "image", estate.Loads, "compute", true, "runs in compute"},
		{"readable", "image", estate.Loads, "compute", true, ""},
		{"open", "compute", estate.Loads, "image", false, ""},
		{"open", "user", estate.Trusts, "role", true, "may take on role"},
		{"open", "role", estate.Trusts, "user", false, ""},
		{"open", "ec2svc", estate.Trusts, "role", true, ""},
		{"open", "service", estate.RoutesTo, "compute", false, "leads to compute"},
		{"open", "subnet", estate.RoutesTo, "compute", false, ""},
		{"open", "endpoint", estate.Triggers, "compute", false, "starts compute"},
		{"open", "compute", estate.Triggers, "endpoint", true, ""},
		{"open", "role", estate.Grants, "statement", true, "is named by statement"},
		{"open", "statement", estate.Contains, "bucket", true, "opens bucket"},
		{"open", "bucket", estate.EncryptsBy, "kms", false, ""},
		{"open", "compute", estate.LogsTo, "bucket", false, ""},
		{"open", "compute", estate.Scales, "endpoint", false, ""},
	} {
		t.Run(strings.ReplaceAll(fmt.Sprintf("%s_%s_%s_%s_%v", tt.entry, tt.from, tt.rel, tt.to, tt.back), "-", "_"), func(t *testing.T) {
			w := (&world{t: t}).asset(tt.from, typeOf[tt.from].typ, typeOf[tt.from].kind).asset(tt.to, typeOf[tt.to].typ, typeOf[tt.to].kind)
			from, to := tt.from, tt.to
			if tt.back {
				from, to = to, from
			}
			w.rel(from, tt.rel, to)
			g := newGraph(w.snapshot(), nil)
			f := g.search(g.entries([]finding.Finding{fault(tt.entry, tt.from)}, Options{Facts: testFacts}, finding.Fail).states(""), false)
			n, _ := g.snap.Find(tt.to)
			got := ""
			for p := range powers {
				if s := at(n, p); f.dist[s] > 0 {
					got = moves[f.rule[s]].words + " " + tt.to
				}
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

// TestEveryRelationTypeIsDecided: a new declared relation type must be a move
// or have a reason why it is none.
func TestEveryRelationTypeIsDecided(t *testing.T) {
	all := []estate.RelationType{estate.RunsAs, estate.MemberOf, estate.Attached, estate.Trusts, estate.Contains, estate.Reads, estate.Writes, estate.Serves, estate.Trains,
		estate.RoutesTo, estate.Uses, estate.Loads, estate.EncryptsBy, estate.LogsTo, estate.Triggers, estate.Scales, estate.Grants, estate.Governs}
	for _, rel := range all {
		moved := slices.ContainsFunc(moves, func(m move) bool { return m.rel == rel })
		if _, reasoned := still[rel]; moved == reasoned {
			t.Errorf("%s: a move %v, a reason for none %v: want one of them", rel, moved, reasoned)
		}
	}
	for _, m := range moves {
		if m.words == "" || m.need == 0 {
			t.Errorf("move %+v says nothing", m.rel)
		}
	}
}

// Paths through classes of pods name what stands on both sides.
func TestClassesAreDrawnTogether(t *testing.T) {
	w := (&world{t: t}).asset("service", "v1/Service", estate.KindNetwork).asset("deployment", "apps/v1/Deployment", estate.KindCompute).root()
	w.assets = append(w.assets, estate.Asset{ID: "set://pods", Type: estate.SetType})
	w.rel("service", estate.RoutesTo, "set://pods").rel("set://pods", estate.Contains, "deployment")
	got := assess(t, w.snapshot(), scope.Default(), Options{Exposed: func(_ estate.Node, a *estate.Asset) string {
		if a.ID == "service" {
			return "a load balancer"
		}
		return ""
	}}, fault("other", "deployment"))[0]
	if diff := cmp.Diff([]string{"internet", "meets service", "leads to deployment"}, got.Path); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAssessLeavesNothingOut(t *testing.T) {
	snap := notebook(t).snapshot()
	w, err := scope.Default().Workloads(snap)
	if err != nil {
		t.Fatal(err)
	}
	Assess(snap, w, nil, Options{})
	fs := []finding.Finding{fault("x", "sg"), {Asset: "bucket", Status: finding.Unknown, Severity: "severe"}}
	Assess(snap, w, fs, Options{})
	for _, f := range fs {
		if f.Risk == nil || f.Risk.Path == nil || f.Risk.Factors == nil || f.Risk.Score < 0 || f.Risk.Score > 100 {
			t.Errorf("%+v", f.Risk)
		}
	}
}

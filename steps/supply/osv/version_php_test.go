package osv

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// composerSame are versions that composer/semver brings into one form, a line each.
var composerSame = [][]string{
	{"1", "1.0", "v1.0.0", "1.0.0.0", " 1.0.0 ", "1.0.0+build.5", "1.0.0@dev", "1.0.0+foo@dev", "1.0.0+foo as 2.0", "1.0-stable", "1.0."},
	{"1.0.0RC1dev", "1.0-rc1-dev", "1.0.0.RC.1.dev"},
	{"10.4.13-b5", "10.4.13beta.5", "V10.4.13.0_BETA-5"},
	{"1.0-pl3", "1.0p3", "1.0.0-patch.3"},
	{"1.0-alpha-2.1-3", "1.0-a2.1.3+x"},
	{"20100102-203040", "20100102.203040", "20100102:203040"},
	{"1.x-dev", "v1.X.x.*-dev", "1.9999999.9999999.9999999-dev"},
	{"00.01.03.04", "0.1.3.4"},
}

var composerBad = []string{
	"", "a", "1.0.0-meh", "1.0.0.0.0", "feature-foo", "1.0.0+foo bar", "1.0.1-SNAPSHOT", "1.0.0<1.0.5-dev", "foo bar-dev", "1.0 .2", " as 1.2", "^1", "~1", "1.*",
	"20100102.0.3.4", "100000.0.0.0", "2023013.0.0.0", "2023013100000.0.0", "1.0.0-0.3.7", "1.0\n", "x\n1.0-dev", "feature-dev",
	"dev-master", "DEV-1.0", "master", "trunk", "default", "dev-foo@stable as ^2.0",
}

func TestComposer(t *testing.T) {
	for _, line := range composerSame {
		for _, s := range line {
			if c, err := Compare("Packagist", line[0], s); c != 0 || err != nil {
				t.Errorf("%q and %q are one version: %d, %v", line[0], s, c, err)
			}
		}
	}
	for _, s := range composerBad {
		if s == "1.0\n" { // blanks at the ends count for nothing
			continue
		}
		if _, err := Compare("Packagist", s, "1.0"); err == nil {
			t.Errorf("%q passes for a version", s)
		}
	}
}

func TestNuGet(t *testing.T) {
	for _, line := range [][]string{
		{"1", "1.0", "1.0.0", "1.0.0.0", "01.0", " 1 . 0 ", "1.0+beta"},
		{"1.0.0-BETA.X.y.5.77.0+AA", "1.0.0.0-beta.x.Y.5.77.0+aa.01"},
		{"1.0.01", "1.0.1.0"},
		{"1.0.0.1-1.2.A", "1.0.0.1-1.2.a+A"},
		{"1.0--0", "1.0-0", "1.0.0.0--00"}, // .NET reads a sign
	} {
		for _, s := range line {
			if c, err := Compare("NuGet", line[0], s); c != 0 || err != nil {
				t.Errorf("%q and %q are one version: %d, %v", line[0], s, c, err)
			}
		}
	}
	for _, s := range []string{"", " ", "v1.0", "1.", ".1", "1..0", "1.0.0.0.0", "1.0-", "1.0+", "1.0-a+", "1.0-+a", "1.0-01", "1.0-a..b", "1.0-a_b", "1.0+a+b", "1.0+a..b", "2147483648", "-1", "1.x", "1.0-é"} {
		if _, err := Compare("NuGet", s, "1.0"); err == nil {
			t.Errorf("%q passes for a version", s)
		}
	}
}

// composerPieces and nugetPieces are what versions of the two are made of.
var (
	composerPieces = []string{".0", ".1", ".10", ".x", "-dev", "dev", "-stable", "-STABLE", "-alpha", "a1", "b", "-beta.2", "RC1", "-rc-2.1", "p1", "-pl2", "-patch", "-1", "_", "+b", "@dev", "0102", "-203040", ".9999999", ".99999999999999999999", "as"}
	nugetPieces    = []string{".0", ".1", ".10", "-alpha", "-BETA", ".beta", "-1", "--1", ".-2", ".99999999999", "-0", ".00", "+b", "-a-b", " ", ".2147483647"}
)

// An order is one: each of a triple's three comparisons follows from the other two.
func TestTotalOrders(t *testing.T) {
	for eco, pieces := range map[string][]string{"Packagist": composerPieces, "NuGet": nugetPieces} {
		r := rand.New(rand.NewPCG(3, 9))
		var versions []version
		var texts []string
		for _, s := range append(randomVersions(r, pieces, 2000), ladders[eco]...) {
			if v, err := orders[eco](s); err == nil && len(versions) < 120 {
				versions, texts = append(versions, v), append(texts, s)
			}
		}
		if len(versions) < 100 {
			t.Fatalf("%s: %d versions only", eco, len(versions))
		}
		n := len(versions)
		sign := make([]int, n*n)
		for i, a := range versions {
			for j, b := range versions {
				sign[i*n+j] = min(max(a.compare(b), -1), 1)
			}
			if sign[i*n+i] != 0 {
				t.Fatalf("%s: %q is not itself", eco, texts[i])
			}
		}
		for i := range n {
			for j := range n {
				ij := sign[i*n+j]
				if sign[j*n+i] != -ij {
					t.Fatalf("%s: %q against %q is %d both ways", eco, texts[i], texts[j], ij)
				}
				for k := range n {
					if jk, ik := sign[j*n+k], sign[i*n+k]; ij >= 0 && jk >= 0 && ik != max(ij, jk) {
						t.Fatalf("%s: %q, %q, %q are no order: %d, %d, %d", eco, texts[i], texts[j], texts[k], ij, jk, ik)
					}
				}
			}
		}
	}
}

var update = flag.Bool("update", false, "write testdata/composer.json anew, by PHP and composer/semver (Debian: php-cli, php-composer-semver)")

// composerAnswers are versions, and of each pair in turn what PHP and Composer's own
// library say: -, 0, + or x where they refuse one of the two.
type composerAnswers struct {
	By       string   `json:"by"`
	Versions []string `json:"versions"`
	Pairs    []string `json:"pairs"` // a row for each version
}

// Composer's own library is the judge: by what it answered, and it is asked again with
// -update.
func TestAgainstComposer(t *testing.T) {
	const file = "testdata/composer.json"
	if *update {
		writeComposer(t, file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var known composerAnswers
	if err := json.Unmarshal(text, &known); err != nil {
		t.Fatal(err)
	}
	if len(known.Versions) < 160 {
		t.Fatalf("%d versions only", len(known.Versions))
	}
	var words []string
	for _, c := range strings.Join(known.Pairs, "") {
		words = append(words, map[rune]string{'-': "-1", '0': "0", '+': "1", 'x': "x"}[c])
	}
	holdPairs(t, "Packagist", known.Versions, words)
}

// writeComposer asks PHP.
func writeComposer(t *testing.T, file string) {
	t.Helper()
	php, err := exec.LookPath("php")
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(7, 7))
	versions := append(randomVersions(r, composerPieces, 180), ladders["Packagist"]...)
	for _, line := range composerSame {
		versions = append(versions, line...)
	}
	for _, s := range composerBad {
		if !strings.Contains(s, "\n") { // lines within are refused here
			versions = append(versions, s)
		}
	}
	const load = `foreach (["Constraint/ConstraintInterface", "Constraint/Bound", "Constraint/Constraint", "VersionParser"] as $f) require_once "Composer/Semver/$f.php";`
	words := askPairs(t, versions, php, "-r", load+`
$parser = new Composer\Semver\VersionParser();
$normal = function ($s) use ($parser) {
	try { $v = $parser->normalize($s); } catch (UnexpectedValueException $e) { return null; }
	return strpos($v, "dev-") === 0 ? null : $v; // comparable with nothing
};
$vs = array_map($normal, json_decode(stream_get_contents(STDIN)));
foreach ($vs as $a) foreach ($vs as $b) echo $a === null || $b === null ? "x" : version_compare($a, $b), "\n";
`)
	by, err := exec.Command(php, "-r", `echo "PHP ", PHP_VERSION, " and composer/semver";`).Output()
	if err != nil {
		t.Fatal(err)
	}
	known := composerAnswers{By: string(by), Versions: versions}
	for row := range slices.Chunk(words, len(versions)) {
		var b strings.Builder
		for _, w := range row {
			b.WriteString(map[string]string{"-1": "-", "0": "0", "1": "+", "x": "x"}[w])
		}
		known.Pairs = append(known.Pairs, b.String())
	}
	text, err := json.MarshalIndent(known, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestMatchComposer(t *testing.T) {
	const upToFix = `{"package":{"ecosystem":"Packagist","name":"A/b"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"1.1.0"},{"fixed":"1.2.3"}]}]}`
	tests := []struct {
		affected, version string
		hit               bool
		open              string
	}{
		{upToFix, "v1.2.2", true, ""},
		{upToFix, "1.2.3-RC1", true, ""},
		{upToFix, "v1.2.3", false, ""},
		{upToFix, "1.2.3-p1", false, ""},
		{upToFix, "1.1.0-beta1", false, ""},
		{upToFix, "1.0.x-dev", false, ""},
		{upToFix, "1.1.x-dev", true, ""},
		{upToFix, "1.2.x-dev", false, "is a branch"},
		{upToFix, "1.x-dev", false, "is a branch"},
		{upToFix, "2.x-dev", false, ""},
		{upToFix, "dev-main", false, "is a branch"},
		{upToFix, "odd", false, "no version of Composer"},
		{`{"package":{"ecosystem":"Packagist","name":"a/b"},"versions":["1.2.3"]}`, "v1.2.3", true, ""},
		{`{"package":{"ecosystem":"Packagist","name":"a/b"},"versions":["1.2.3"]}`, "1.2.4", false, ""},
		{`{"package":{"ecosystem":"Packagist","name":"a/b"},"versions":["1.2.3"]}`, "1.x-dev", false, "is a branch"},
		{`{"package":{"ecosystem":"Packagist","name":"a/b"},"versions":["dev-main"]}`, "dev-main", true, ""},
	}
	for i, tt := range tests {
		t.Run(fmt.Sprint(i, tt.version), func(t *testing.T) {
			hits, err := Match("Packagist", tt.version, found(t, "Packagist", "a/B", tt.affected))
			var open *UndecidedError
			if errors.As(err, &open) != (tt.open != "") || err != nil && !strings.Contains(err.Error(), tt.open) || (len(hits) == 1) != tt.hit {
				t.Errorf("%+v, %v", hits, err)
			}
		})
	}
	list := found(t, "NuGet", "newtonsoft.json", `{"package":{"ecosystem":"NuGet","name":"Newtonsoft.Json"},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"13.0.1"}]}]}`)
	for v, hit := range map[string]bool{"12.0.3": true, "13.0.1-BETA2": true, "13.0.1": false, "13.0.1.0": false} {
		if hits, err := Match("NuGet", v, list); err != nil || (len(hits) == 1) != hit {
			t.Errorf("NuGet %s: %+v, %v", v, hits, err)
		}
	}
}

package assess_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/sevenfold-sec/sevenfold/assess"
	"github.com/sevenfold-sec/sevenfold/steps/data"
	"github.com/sevenfold-sec/sevenfold/steps/data/sample"
	"github.com/sevenfold-sec/sevenfold/steps/data/scan"
	"github.com/sevenfold-sec/sevenfold/store"
	"github.com/sevenfold-sec/sevenfold/test/moto"
	"github.com/sevenfold-sec/sevenfold/test/mysql"
	"github.com/sevenfold-sec/sevenfold/test/postgres"
)

// put sends a body to moto.
func put(t *testing.T, url, body string) {
	t.Helper()
	moto.Ask(t, http.MethodPut, url, "s3", body)
}

const customers = "id,email,card\n1,ann@example.com,4111111111111111\n2,bob@example.com,5500005555555559\n"

// bucketOf makes a bucket in a moto of the test's own.
func bucketOf(t *testing.T, name string, objects map[string]string) *moto.Server {
	t.Helper()
	m := moto.Start(t)
	for _, kv := range m.Env() {
		k, v, _ := strings.Cut(kv, "=")
		t.Setenv(k, v)
	}
	put(t, m.URL+"/"+name, `<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>`)
	for k, v := range objects {
		put(t, m.URL+"/"+name+"/"+k, v)
	}
	return m
}

func survey(t *testing.T, st store.Store, uri string, o sample.Options) *data.Survey {
	t.Helper()
	ctx := context.Background()
	ds, err := assess.OpenData(ctx, uri)
	if err != nil {
		t.Fatal(err)
	}
	defer ds.Close()
	items, listed, err := data.Listing(ctx, ds)
	if err != nil {
		t.Fatal(err)
	}
	s, err := scan.New(scan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := data.Examined(ctx, ds, s, items, sample.New(listed, o), assess.Surveys{Store: st}.Memory(ds.URI(), "test"), data.Surveying{Scanner: "test", Now: time.Unix(1, 0).UTC()})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func typesOf(s data.Summary) string {
	var out []string
	for _, l := range s.Labels {
		out = append(out, fmt.Sprintf("%s×%d", l.Type, l.Objects))
	}
	return strings.Join(out, " ")
}

func TestSurveyBucket(t *testing.T) {
	rows := &strings.Builder{}
	rows.WriteString("id,note\n")
	for i := range 200_000 {
		if i == 150_000 {
			rows.WriteString("150000,ann@example.com\n")
			continue
		}
		fmt.Fprintf(rows, "%d,weight %d kg\n", i, i%7)
	}
	m := bucketOf(t, "quay-data", map[string]string{
		"in/customers ä+b.csv": customers, "in/orders.csv": "id,weight\n1,2\n2,3\n", "raw/big.csv": rows.String(), "raw/broken.parquet": "PAR1 and nothing", "raw/empty": "",
	})
	st := openState(t, filepath.Join(t.TempDir(), "state"))
	all := survey(t, st, "s3://quay-data", sample.Options{})
	if all.Summary.Objects != 5 || all.Summary.Examined != 4 || all.Summary.Undecided == 0 || !all.Summary.Whole || all.Again != 0 {
		t.Errorf("%+v", all.Summary)
	}
	if got := typesOf(all.Summary); !strings.Contains(got, "EMAIL_ADDRESS×") || !strings.Contains(got, "CREDIT_CARD×1") {
		t.Errorf("labels %s", got)
	}
	// Nothing that did not change is read again, and what did is.
	put(t, m.URL+"/quay-data/in/orders.csv", customers)
	again := survey(t, st, "s3://quay-data", sample.Options{})
	if again.Again != 3 || !strings.Contains(typesOf(again.Summary), "CREDIT_CARD×2") {
		t.Errorf("%d again; %s", again.Again, typesOf(again.Summary))
	}
	kept, err := assess.Surveys{Store: st}.Summaries(context.Background())
	if err != nil || len(kept) != 1 || typesOf(kept[0]) != typesOf(again.Summary) {
		t.Errorf("kept %+v, %v", kept, err)
	}
	// A sample reads little of the large table, bounds what it did not find, and is
	// the same twice.
	o := sample.Options{Budget: 1 << 20, Prevalence: .05, Seed: 7}
	one, two := survey(t, openState(t, filepath.Join(t.TempDir(), "state")), "s3://quay-data/raw/big", o), survey(t, openState(t, filepath.Join(t.TempDir(), "state")), "s3://quay-data/raw/big", o)
	if one.Summary.Whole || one.Summary.Strata[0].Draws == 0 || one.Summary.Strata[0].Bound > .06 || one.Plan.Reads > 1<<20 {
		t.Errorf("%+v %+v", one.Summary, one.Plan)
	}
	if fmt.Sprint(one.Summary) != fmt.Sprint(two.Summary) {
		t.Error("two runs of one seed differ")
	}
}

func TestSurveyRefused(t *testing.T) {
	bucketOf(t, "quay-data", nil)
	ctx := context.Background()
	ds, err := assess.OpenData(ctx, "s3://quay-nothing")
	if err != nil {
		t.Fatal(err)
	}
	defer ds.Close()
	if _, _, err := data.Listing(ctx, ds); err == nil || !strings.Contains(err.Error(), "NoSuchBucket") {
		t.Errorf("a bucket that is not there: %v", err)
	}
	if _, err := assess.OpenData(ctx, "s3://a b"); err == nil {
		t.Error("no address")
	}
	if _, err := assess.OpenData(ctx, "postgres://u:hunter2secret@127.0.0.1:1/x?sslmode=nope"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a password is told: %v", err)
	}
	if _, err := assess.OpenData(ctx, "postgres://u:hunter2secret@127.0.0.1:1/x"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a password is told: %v", err)
	}
}

func TestSurveyPostgres(t *testing.T) {
	uri := postgres.URL(t)
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, uri)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(ctx) })
	schema := uri[strings.LastIndex(uri, "=")+1:]
	if _, err := conn.Exec(ctx, `CREATE SCHEMA `+schema+`;
		CREATE TABLE customers (id int, email text, born date, note jsonb);
		INSERT INTO customers SELECT i, 'person' || i || '@example.com', date '1980-01-01' + i, '{"card":"4111111111111111"}' FROM generate_series(1, 300) i;
		CREATE TABLE loose (paid float8, dob timestamp, ratio float4);
		INSERT INTO loose SELECT 4111111111111111, timestamp '1980-01-01' + i * interval '1 day', i / 7.0 FROM generate_series(1, 100) i;
		CREATE TABLE "odd ""name" (n float8[]);
		CREATE TABLE big (id int, note text);
		INSERT INTO big SELECT i, 'weight of crate ' || i FROM generate_series(1, 60000) i;
		ANALYZE`, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(ctx, "CREATE DATABASE beside_"+schema, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = conn.Exec(ctx, "DROP DATABASE beside_"+schema, pgx.QueryExecModeSimpleProtocol) })
	got := survey(t, openState(t, filepath.Join(t.TempDir(), "state")), uri, sample.Options{All: true})
	if text := typesOf(got.Summary); !strings.Contains(text, "EMAIL_ADDRESS×1") || !strings.Contains(text, "CREDIT_CARD×2") || !strings.Contains(text, "DATE_OF_BIRTH") {
		t.Errorf("labels %s", text)
	}
	if len(got.Items) != 4 {
		t.Errorf("%d tables", len(got.Items))
	}
	if !strings.Contains(got.Summary.Store, "search_path="+schema) {
		t.Errorf("a survey of one schema is kept as %s", got.Summary.Store)
	}
	if !slices.Contains(got.Summary.Others, "beside_"+schema) {
		t.Errorf("the server's other databases: %q", got.Summary.Others)
	}
	if _, err := conn.Exec(ctx, `CREATE ROLE reader_`+schema+`; GRANT USAGE ON SCHEMA `+schema+` TO reader_`+schema+`; GRANT SELECT ON customers TO reader_`+schema+`;
		ALTER TABLE customers ENABLE ROW LEVEL SECURITY`, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	hidden := survey(t, openState(t, filepath.Join(t.TempDir(), "state")), uri+"&role=reader_"+schema, sample.Options{All: true})
	if !slices.ContainsFunc(hidden.Summary.Reasons, func(r data.Reason) bool { return strings.Contains(r.Why, "row-level security hides rows") }) {
		t.Errorf("rows are hidden without a word: %+v", hidden.Summary.Reasons)
	}
	// A table larger than the budget is drawn from, not read.
	drawn := survey(t, openState(t, filepath.Join(t.TempDir(), "state")), uri, sample.Options{Budget: 600 << 10, Prevalence: .05})
	if drawn.Plan.Reads > 600<<10 || drawn.Summary.Read > 900<<10 || !slices.ContainsFunc(drawn.Summary.Strata, func(s data.StratumFound) bool { return s.Draws > 40 && s.Bound < .1 }) {
		t.Errorf("%+v %+v", drawn.Summary, drawn.Plan)
	}
	if drawn.Summary.Whole || drawn.Summary.Read >= got.Summary.Read {
		t.Errorf("%+v", drawn.Summary)
	}
	var writes bytes.Buffer
	fmt.Fprint(&writes, got.Summary, drawn.Summary)
	for _, canary := range []string{"person7@", "4111111111111111", "1980-01-08"} {
		if strings.Contains(writes.String(), canary) {
			t.Errorf("%s is told", canary)
		}
	}
}

// A MySQL server is surveyed as PostgreSQL is, and told to be unknown where the user is not
// shown all of it.
func TestSurveyMySQL(t *testing.T) {
	s := mysql.Start(t)
	db := "crm_" + mysql.Name()
	s.Do(t, "CREATE DATABASE "+db,
		"CREATE TABLE "+db+".customers (id INT PRIMARY KEY, email VARCHAR(60), born DATE, note JSON, cv LONGBLOB)",
		"INSERT INTO "+db+".customers WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 300) SELECT i, CONCAT('person', i, '@example.com'), DATE '1980-01-01' + INTERVAL i DAY, '{\"card\":\"4111111111111111\"}', NULL FROM n",
		"CREATE TABLE "+db+".`big.one` (id INT PRIMARY KEY, note VARCHAR(80))", "SET max_recursive_iterations = 100000",
		"INSERT INTO "+db+".`big.one` WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 60000) SELECT i, CONCAT('weight of crate ', i) FROM n", "ANALYZE TABLE "+db+".`big.one`",
		"CREATE USER whole"+db+"@localhost IDENTIFIED BY '"+mysql.Password+"'", "GRANT SELECT ON "+db+".* TO whole"+db+"@localhost",
		"CREATE USER part"+db+"@localhost IDENTIFIED BY '"+mysql.Password+"'", "GRANT SELECT ON "+db+".customers TO part"+db+"@localhost")
	t.Setenv("MYSQL_PWD", mysql.Password)
	uri := "mysql://whole" + db + "@" + s.Addr + "/" + db
	state := func() store.Store { return openState(t, filepath.Join(t.TempDir(), "state")) }
	got := survey(t, state(), uri, sample.Options{All: true})
	if text := typesOf(got.Summary); !strings.Contains(text, "EMAIL_ADDRESS×1") || !strings.Contains(text, "CREDIT_CARD×1") || !strings.Contains(text, "DATE_OF_BIRTH") {
		t.Errorf("labels %s", text)
	}
	if len(got.Items) != 2 || got.Summary.Store != "mysql://"+s.Addr+"/"+db || !slices.Contains(got.Summary.Others, "(those that the user is not shown)") {
		t.Errorf("%d tables of %s, beside %q", len(got.Items), got.Summary.Store, got.Summary.Others)
	}
	drawn := survey(t, state(), uri, sample.Options{Budget: 600 << 10, Prevalence: .05})
	if drawn.Summary.Whole || drawn.Plan.Reads > 600<<10 || drawn.Summary.Read > 900<<10 || !slices.ContainsFunc(drawn.Summary.Strata, func(s data.StratumFound) bool { return s.Draws > 40 && s.Bound < .1 }) {
		t.Errorf("%+v", drawn.Summary)
	}
	s.Do(t, "UPDATE "+db+".customers SET cv = REPEAT(CHAR(0), 500) WHERE id = 1")
	part := survey(t, state(), strings.Replace(uri, "whole", "part", 1), sample.Options{All: true})
	for _, why := range []string{"those that it may not read are not listed", "values that are no text"} {
		if !slices.ContainsFunc(part.Summary.Reasons, func(r data.Reason) bool { return strings.Contains(r.Why, why) }) {
			t.Errorf("not said: %s; %+v", why, part.Summary.Reasons)
		}
	}
	if told := fmt.Sprint(got.Summary, drawn.Summary, part.Summary); strings.Contains(told, "person7@") || strings.Contains(told, "4111111111111111") || strings.Contains(told, mysql.Password) {
		t.Error("a value is told")
	}
	// Erasure searches it too.
	subject, err := data.NewSubject("person7@example.com")
	if err != nil {
		t.Fatal(err)
	}
	found, err := assess.Search(context.Background(), uri, subject, time.Now())
	if err != nil || len(found.Places) != 1 || found.Places[0].Key != db+".customers" || !strings.Contains(found.Places[0].Do, "binary logs") || len(found.Unread) != 1 {
		t.Errorf("%+v %v", found, err)
	}
	var slip *assess.SourceError
	if _, err := assess.OpenData(context.Background(), "mysql://u:hunter2secret@/x"); !errors.As(err, &slip) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("a wrong address: %v", err)
	}
}

// No value of what was examined stands in the state, in whatever shape it came: cells, keys
// of maps, rows without a head, damaged files.
func TestNoValueIsKept(t *testing.T) {
	bucketOf(t, "quay-data", map[string]string{
		"users/ann@example.com/a.csv": customers, "bob@example.com.csv": customers, "a/t.csv": customers, "a/headless.csv": "Ann Jones,bob@example.com,4111111111111111\nBob Smith,ann@example.com,5500005555555559\n",
		"a/map.json": `{"ann@example.com":{"card":"4111111111111111"},"bob@example.com":{"n":1}}`, "a/cut.json": `{"mail":"ann@example.com","x":`,
		"a/mail.eml": "From: Ann Jones <ann@example.com>\nSubject: 4111111111111111\n\nHello Bob Smith\n", "a/broken.parquet": "PAR1ann@example.com", "a/k.txt": "key AKIAIOSFODNN7EXAMPLE of ann@example.com\n",
	})
	folder := filepath.Join(t.TempDir(), "state")
	st := openState(t, folder)
	got := survey(t, st, "s3://quay-data", sample.Options{})
	seen, err := assess.Surveys{Store: st}.Memory("s3://quay-data", "test").Before(context.Background())
	if err != nil || len(seen) != 9 {
		t.Fatalf("%d remembered, %v", len(seen), err)
	}
	if again := survey(t, st, "s3://quay-data", sample.Options{}); again.Again != 9 {
		t.Errorf("%d of 9 are remembered", again.Again)
	}
	told, err := json.Marshal([]any{got.Items, got.Summary, got.Plan, seen})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, raw...)
	}
	for _, canary := range []string{"ann@", "bob@", "4111111111111111", "5500005555555559", "Jones", "Smith", "AKIAIOSFODNN7"} {
		if i := bytes.Index(told, []byte(canary)); i >= 0 {
			t.Errorf("%s is kept: …%q", canary, told[max(0, i-60):min(len(told), i+30)])
		}
	}
}

// An object that changes between the listing and the reading, and one that is refused, are
// unknown with the reason; the others are examined.
func TestBucketThatChanges(t *testing.T) {
	m := bucketOf(t, "quay-data", map[string]string{"a.csv": customers, "b.csv": customers})
	ctx := context.Background()
	ds, err := assess.OpenData(ctx, "s3://quay-data")
	if err != nil {
		t.Fatal(err)
	}
	defer ds.Close()
	items, listed, err := data.Listing(ctx, ds)
	if err != nil {
		t.Fatal(err)
	}
	put(t, m.URL+"/quay-data/a.csv", "id,email\n1,eve@example.com\n")
	s, err := scan.New(scan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	st := openState(t, filepath.Join(t.TempDir(), "state"))
	got, err := data.Examined(ctx, ds, s, items, sample.New(listed, sample.Options{}), assess.Surveys{Store: st}.Memory(ds.URI(), "test"), data.Surveying{Scanner: "test"})
	if err != nil || got.Summary.Undecided != 1 || len(got.Summary.Labels) == 0 {
		t.Fatalf("%+v %v", got, err)
	}
	if r := got.Summary.Reasons; !slices.ContainsFunc(r, func(r data.Reason) bool {
		return strings.Contains(r.Why, "was changed or removed while the bucket was read")
	}) {
		t.Errorf("reasons %+v", r)
	}
}

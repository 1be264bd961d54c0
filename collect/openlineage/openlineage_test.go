package openlineage

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

const event = `{"eventType":"COMPLETE","eventTime":"2026-11-20T10:00:00Z","run":{"runId":"r"},"job":{"namespace":"n","name":"j"},"inputs":[{"namespace":"s3://b","name":"in/x","facets":{"secret":"ann@example.com"}}],"outputs":[{"namespace":"postgres://h:5432","name":"db.public.t"}]}`

// faceted has the facets that Spark's and Airflow's emitters write.
const faceted = `{"eventTime":"2026-11-20T10:00:00Z","run":{"runId":"r"},"job":{"namespace":"airflow","name":"dag.load"},
"inputs":[{"namespace":"s3://raw","name":"orders"}],
"outputs":[{"namespace":"dbt","name":"mart.people","facets":{
 "symlinks":{"_producer":"p","identifiers":[{"namespace":"s3a://lake","name":"/people","type":"LOCATION"},{"namespace":"dbt","name":"mart.people","type":"TABLE"}]},
 "dataSource":{"name":"x","uri":"jdbc:postgresql://bob:hunter2@h:5432/mart?sslpassword=hunter2"},
 "columnLineage":{"fields":{"mail":{"inputFields":[{"namespace":"s3://raw","name":"orders","field":"m"},{"namespace":"s3://raw","name":"customers","field":"m"}]}},
  "dataset":[{"namespace":"mysql://h","name":"crm.blocked","field":"id"}]},
 "ownership":{"owners":[{"name":"ann@example.com"}]},"schema":"ann@example.com"}}]}`

func TestFacets(t *testing.T) {
	n, err := Each(strings.NewReader(faceted), func(e Event) error {
		if got, want := e.Outputs[0].Addresses(), []string{"dbt/mart.people", "s3://lake/people", "postgres://h:5432/mart"}; !slices.Equal(got, want) {
			t.Errorf("addresses %q, want %q", got, want)
		}
		if got, want := e.Sources(), []string{"mysql://h/crm", "s3://raw/customers"}; !slices.Equal(got, want) {
			t.Errorf("sources %q, want %q", got, want)
		}
		if got := e.Inputs[0].Addresses(); !slices.Equal(got, []string{"s3://raw/orders"}) {
			t.Errorf("input %q", got)
		}
		return nil
	})
	if n != 1 || err != nil {
		t.Fatal(n, err)
	}
	_, err = Each(strings.NewReader(strings.Replace(faceted, `"identifiers":[`, `"identifiers":["ann@example.com",`, 1)), func(Event) error { return nil })
	var bad *Error
	if !errors.As(err, &bad) || strings.Contains(err.Error(), "ann@") {
		t.Errorf("a facet of another form: %v", err)
	}
}

func TestEach(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		n    int
		why  string
	}{
		"one":            {event, 1, ""},
		"lines":          {event + "\n" + event + "\n", 2, ""},
		"a list":         {"[" + event + "," + event + "]", 2, ""},
		"none":           {"", 0, ""},
		"an empty list":  {"[]", 0, ""},
		"cut short":      {event[:200], 0, "cut short"},
		"cut list":       {"[" + event, 1, "cut short"},
		"another thing":  {`{"a":"ann@example.com"}`, 0, "no event"},
		"not JSON":       {"ann@example.com", 0, "no JSON"},
		"another type":   {`{"eventTime":"x","inputs":"ann@example.com"}`, 0, "no JSON"},
		"far too long":   {`{"eventTime":"` + strings.Repeat("x", maxEvent+1) + `"}`, 0, "longer than"},
		"the second bad": {event + "\n{}", 1, "no event"},
	} {
		n, err := Each(strings.NewReader(tt.text), func(e Event) error {
			if e.Job.Name != "j" || e.Inputs[0].Address() != "s3://b/in/x" || e.Outputs[0].Address() != "postgres://h:5432/db" || e.Time.IsZero() {
				t.Errorf("%s: %+v", name, e)
			}
			return nil
		})
		var bad *Error
		if n != tt.n || (tt.why == "") != (err == nil) || err != nil && (!errors.As(err, &bad) || !strings.Contains(err.Error(), tt.why) || strings.Contains(err.Error(), "ann@")) {
			t.Errorf("%s: %d, %v", name, n, err)
		}
	}
}

func FuzzEach(f *testing.F) {
	for _, s := range []string{event, "[" + event + "]", "[", "{}", faceted, "\xef\xbb\xbf" + event, `{"inputs":[{}]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		n, err := Each(strings.NewReader(string(in)), func(e Event) error {
			for _, d := range append(e.Inputs, e.Outputs...) {
				if len(d.Addresses()) == 0 {
					t.Fatal("no address")
				}
			}
			_ = e.Sources()
			return nil
		})
		var bad *Error
		if n < 0 || err != nil && !errors.As(err, &bad) {
			t.Fatalf("%d %v", n, err)
		}
	})
}

func TestAddress(t *testing.T) {
	for _, tt := range []struct{ namespace, name, want string }{
		{"mysql://h:3306", "crm.people", "mysql://h:3306/crm"}, {"mariadb://h", "crm.people", "mysql://h/crm"}, {"postgresql://h", "db.public.t", "postgres://h/db"}, {"s3a://b/", "/x/y", "s3://b/x/y"},
		{"postgres://bob:hunter2@h:5432", "db.public.t", "postgres://h:5432/db"},
	} {
		if got := (Dataset{Namespace: tt.namespace, Name: tt.name}).Address(); got != tt.want {
			t.Errorf("%s %s: %s, want %s", tt.namespace, tt.name, got, tt.want)
		}
	}
}

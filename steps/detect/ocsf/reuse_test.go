package ocsf

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// A reader that uses memory again gives the same events, where each is looked at before the next.
func TestReuse(t *testing.T) {
	var in strings.Builder
	in.WriteString(`{"Records":[`)
	for i := range 2500 {
		if i > 0 {
			in.WriteByte(',')
		}
		switch {
		case i%400 == 7:
			in.WriteString(`{"eventVersion":"1.08","eventName":}`) // damaged
		case i%900 == 11: // longer than what is read at a time
			in.WriteString(strings.Replace(assumedRoleEvent, `{`, `{"more":"`+strings.Repeat("x", 300<<10)+`",`, 1))
		default:
			in.WriteString(strings.Replace(assumedRoleEvent, `{`, fmt.Sprintf(`{"serial":"%0*d",`, 1+i%97, i), 1))
		}
	}
	in.WriteString(`]}` + "\n" + `{"detail-type":"AWS API Call via CloudTrail","detail":` + assumedRoleEvent + `}`)
	read := func(reuse bool, src io.Reader) (events []*Event, rejected []string) {
		rd, err := NewReader(src, Options{Reuse: reuse})
		if err != nil {
			t.Fatal(err)
		}
		var e Event
		for {
			switch err := rd.Next(&e); {
			case err == io.EOF:
				return events, rejected
			case err != nil:
				rejected = append(rejected, err.Error())
			default:
				events = append(events, e.Clone())
			}
		}
	}
	want, wantBad := read(false, strings.NewReader(in.String()))
	got, bad := read(true, iotest.HalfReader(strings.NewReader(in.String())))
	if len(want) < 2400 || len(wantBad) == 0 {
		t.Fatalf("%d events, %q", len(want), wantBad)
	}
	if diff := cmp.Diff(wantBad, bad); diff != "" {
		t.Error(diff)
	}
	if len(got) != len(want) {
		t.Fatalf("%d events of %d", len(got), len(want))
	}
	for i := range want {
		if string(want[i].Raw) != string(got[i].Raw) || want[i].ID != got[i].ID || want[i].Actor != got[i].Actor {
			t.Fatalf("event %d is another", i)
		}
	}
}

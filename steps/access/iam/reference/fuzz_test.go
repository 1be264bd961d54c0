package reference

import (
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// small is a table like the embedded one with one service in it.
func small(keys, services, policies string) string {
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	var head, body strings.Builder
	part := func(word, text, more string) {
		packed := enc.EncodeAll([]byte(text), nil)
		head.WriteString(word + " " + decimal(len(packed)) + " " + decimal(len(text)) + more + "\n")
		body.Write(packed)
	}
	head.WriteString("source x 1 2026-01-02 00\n")
	part("keys", keys, "")
	part("services", services, "")
	head.WriteString("service s3 0 1 0 " + decimal(len(services)) + "\n")
	part("policies", policies, " arn:a")
	return head.String() + "\n" + body.String()
}

func decimal(n int) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return decimal(n/10) + string(rune('0'+n%10))
}

const (
	goodKeys     = "aws:SourceIp\tIPAddress\tg\ns3:Tag/${K}\tArrayOfString\t\n"
	goodServices = "S\tAmazon S3\trcp\nT\tobject\tarn:${Partition}:s3:::${B}/${O}\t1\nA\tGetObject\tR\t0\tiam:PassRole\t0!/=/kms:Decrypt\n"
	goodPolicies = "arn:a\tv1\t2026-01-02\t2026-01-02\t{}\n"
)

func TestDamagedTablesAreRefused(t *testing.T) {
	if tab, err := open(small(goodKeys, goodServices, goodPolicies)); err != nil {
		t.Fatal(err)
	} else if err := tab.check(); err != nil {
		t.Fatal(err)
	}
	swap := strings.NewReplacer
	tests := map[string]struct{ data, want string }{
		"empty":            {"", "no end of the head"},
		"no parts":         {"source x 1 - 00\n\n", "lacks the keys"},
		"cut":              {small(goodKeys, goodServices, goodPolicies)[:120], "does not fit"},
		"unknown line":     {"what is this\n\n", "unknown line"},
		"bad date":         {"source x 1 yesterday 00\n\n", "yesterday"},
		"key type":         {small(swap("IPAddress", "Colour").Replace(goodKeys), goodServices, goodPolicies), "unknown type"},
		"key number":       {small(goodKeys, swap("R\t0", "R\t9").Replace(goodServices), goodPolicies), "condition key: number 9"},
		"level":            {small(goodKeys, swap("\tR\t", "\tZ\t").Replace(goodServices), goodPolicies), "unknown access level"},
		"resource type":    {small(goodKeys, swap("0!/", "1!/").Replace(goodServices), goodPolicies), "resource type"},
		"use":              {small(goodKeys, swap("0!/=/", "0!").Replace(goodServices), goodPolicies), "bad use"},
		"number of action": {small(goodKeys, goodServices+"A\tZ\tR\t\t\n", goodPolicies), "2 actions, the head says 1"},
		"policy's date":    {small(goodKeys, goodServices, swap("2026-01-02", "x").Replace(goodPolicies)), "policy arn:a"},
		"policy's fields":  {small(goodKeys, goodServices, "arn:a\tv1\n"), "2 fields"},
		"policy's place":   {small(goodKeys, goodServices, goodPolicies+goodPolicies), "out of order"},
	}
	for name, tt := range tests {
		tab, err := open(tt.data)
		if err == nil {
			err = tab.check()
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, tt.want)
		}
	}
}

// A damaged table answers "not known" to everything it cannot read.
func FuzzOpen(f *testing.F) {
	f.Add(small(goodKeys, goodServices, goodPolicies))
	f.Add("source x 1 - 00\nkeys 0 1\nservices 0 1\nservice s3 0 1 0 1\n\n")
	f.Fuzz(func(t *testing.T, data string) {
		tab, err := open(data)
		if err != nil {
			return
		}
		bad := tab.check()
		n := 0
		for _, s := range tab.services {
			n += len(tab.actions(s.Prefix))
		}
		if bad == nil && n != tab.count {
			t.Errorf("%d actions, the head says %d", n, tab.count)
		}
		tab.expand("*")
		tab.key("s3:tag/x")
		tab.policyARNs()
		tab.byID(0)
	})
}

// FuzzServiceText reads the text of a service and of the keys as they are, since
// a fuzzer seldom hits on a packed one.
func FuzzServiceText(f *testing.F) {
	f.Add(goodKeys, goodServices, "s3:*Obj?ct", "s3:tag/x")
	f.Fuzz(func(t *testing.T, keys, text, pattern, key string) {
		var set keySet
		if set.parse(keys) != nil {
			return
		}
		tab := &table{keys: set}
		tab.keysOnce.Do(func() {})
		tab.key(key)
		s := &service{Service: Service{Prefix: "s3", Count: strings.Count(text, "A\t")}}
		if s.parse(text, set.all) != nil {
			return
		}
		for _, a := range s.expand(pattern, nil) {
			if !glob(pattern, strings.ToLower(a.Name)) {
				t.Errorf("%q covers %s", pattern, a.Name)
			}
		}
	})
}

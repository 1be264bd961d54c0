package estate

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"
)

// cpu returns the processor time this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// measure runs op once an iteration and reports its processor time beside the
// wall time: on a loaded machine only that can be compared.
func measure(b *testing.B, op func()) {
	before := cpu()
	for b.Loop() {
		op()
	}
	b.ReportMetric((cpu()-before).Seconds()/float64(b.N), "cpu-s/op")
}

const (
	millionAssets    = 1_000_000
	millionRelations = 5 * millionAssets
)

var millionIDs = sync.OnceValue(func() []string {
	r := rand.New(rand.NewPCG(1, 2))
	out := make([]string, millionAssets)
	kinds := []string{"s3:::harbour-%08x-data-%d", "iam::111122223333:role/train-%08x-%d", "ec2:eu-west-1:111122223333:network-interface/eni-%08x%d", "sagemaker:eu-west-1:111122223333:training-job/run-%08x-%d"}
	for i := range out {
		out[i] = fmt.Sprintf("arn:aws:"+kinds[i%len(kinds)], r.Uint32(), i)
	}
	return out
})

// fillMillion sends a million assets and five million relations from as many
// goroutines as there are processors.
func fillMillion() *Builder {
	ids := millionIDs()
	b := NewBuilder(noon)
	parallel(64, func(part int) {
		r := rand.New(rand.NewPCG(3, uint64(part)))
		for i := part; i < len(ids); i += 64 {
			b.Asset(Asset{ID: ids[i], Type: "AWS::S3::Bucket", Cloud: AWS, Account: "111122223333", Region: "eu-west-1"})
			for range millionRelations / millionAssets {
				b.Relation(Relation{From: ids[i], To: ids[r.IntN(len(ids))], Type: Reads, Tier: Declared, Evidence: "config.RoleArn"})
			}
		}
	})
	return b
}

var million = sync.OnceValue(func() *Snapshot {
	s, err := fillMillion().Build()
	if err != nil {
		panic(err)
	}
	return s
})

func BenchmarkBuildMillion(b *testing.B) {
	builder := fillMillion()
	measure(b, func() {
		if _, err := builder.Build(); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkFillAndBuildMillion is the same with the sending of every asset and
// relation.
func BenchmarkFillAndBuildMillion(b *testing.B) {
	millionIDs()
	measure(b, func() {
		if _, err := fillMillion().Build(); err != nil {
			b.Fatal(err)
		}
	})
}

func BenchmarkHashMillion(b *testing.B) {
	s := million()
	s.ConfigDigest(0)
	measure(b, func() { s.contentHash() })
}

func BenchmarkReachMillion(b *testing.B) {
	s := million()
	from := []Node{0}
	measure(b, func() {
		if s.Reach(from, Filter{}).Len() < s.Len()/2 {
			b.Fatal("the graph falls apart")
		}
	})
}

func BenchmarkReachFilteredMillion(b *testing.B) {
	s := million()
	f := Filter{Types: []RelationType{Reads, Writes}, Tiers: []Tier{Declared}, Direction: Backward}
	measure(b, func() { s.Reach([]Node{0}, f) })
}

func BenchmarkShortestPathMillion(b *testing.B) {
	s := million()
	r := rand.New(rand.NewPCG(5, 6))
	measure(b, func() { s.ShortestPath(Node(r.IntN(s.Len())), Node(r.IntN(s.Len())), Filter{}) })
}

func BenchmarkTenPathsMillion(b *testing.B) {
	s := million()
	measure(b, func() {
		if len(s.KPaths(17, 4711, 10, Filter{})) != 10 {
			b.Fatal("fewer than ten paths")
		}
	})
}

func BenchmarkWithMillion(b *testing.B) {
	s := million()
	measure(b, func() {
		if _, err := s.With(nil, []Relation{{From: millionIDs()[0], To: millionIDs()[1], Type: "x"}}, nil); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkMemoryMillion states what a snapshot keeps: the graph both ways with
// its index, and the whole with the assets (ids not counted, they are the
// test's).
func BenchmarkMemoryMillion(b *testing.B) {
	millionIDs()
	var before, after runtime.MemStats
	for b.Loop() {
		runtime.GC()
		runtime.ReadMemStats(&before)
		s, err := fillMillion().Build()
		if err != nil {
			b.Fatal(err)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		g := &s.graph.out
		b.ReportMetric(float64(8*(len(g.start)+len(g.to)+len(g.label))+4*len(s.index.slots))/1e6, "graph-MB")
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "snapshot-MB")
		runtime.KeepAlive(s)
	}
}

func BenchmarkCanonical(b *testing.B) {
	config := []byte(`{"Name": "harbour", "PublicAccessBlockConfiguration": {"BlockPublicAcls": true, "IgnorePublicAcls": true}, "GetBucketPolicy": {"Policy": {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Sid": "S1", "Principal": {"AWS": "arn:aws:iam::111122223333:role/train"}, "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::harbour/*"}]}}}`)
	b.SetBytes(int64(len(config)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Canonical(config); err != nil {
			b.Fatal(err)
		}
	}
}

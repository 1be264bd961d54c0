package aws

import (
	"sync"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/aws/api"
	"github.com/sevenfold-sec/sevenfold/estate"
)

// shelfStore is a resume store in memory.
type shelfStore struct {
	mu    sync.Mutex
	blobs map[string][]byte
}

func (s *shelfStore) Get(key string) ([]byte, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.blobs[key]
	return b, ok, nil
}

func (s *shelfStore) Put(key string, blob []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blobs == nil {
		s.blobs = map[string][]byte{}
	}
	s.blobs[key] = append([]byte(nil), blob...)
	return nil
}

// TestResume reads only what an interrupted run left, and everything again
// when what was kept is old.
func TestResume(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	store := &shelfStore{}
	broken := true
	f := &fake{answer: func(req api.Request) (any, error) {
		if broken && req.Key() == "sagemaker:ListModels" {
			return nil, &api.Error{Code: "ThrottlingException", Status: estate.ReadThrottled, Cause: api.CauseThrottled}
		}
		return jobs(50)(req)
	}}
	o := Options{Regions: []string{"eu-west-1"}, Services: []string{"sagemaker"}, Resume: store, Clock: func() time.Time { return now }}
	first, err := run(t, f, o)
	if err != nil {
		t.Fatal(err)
	}
	broken = false
	before := f.calls["sagemaker:DescribeTrainingJob"]
	second, err := run(t, f, o)
	if err != nil {
		t.Fatal(err)
	}
	if n := f.calls["sagemaker:DescribeTrainingJob"]; n != before {
		t.Errorf("%d jobs were described again", n-before)
	}
	if len(second.assets) != len(first.assets) || len(second.blind) != 0 {
		t.Errorf("got %d assets, want %d; blind spots %+v", len(second.assets), len(first.assets), second.blind)
	}
	if f.calls["sagemaker:ListModels"] != 2 {
		t.Errorf("the failed unit was asked %d times, want 2", f.calls["sagemaker:ListModels"])
	}
	now = now.Add(5 * time.Hour)
	if _, err := run(t, f, o); err != nil {
		t.Fatal(err)
	}
	if n := f.calls["sagemaker:DescribeTrainingJob"]; n != 2*before {
		t.Errorf("after five hours %d describes in all, want %d", n, 2*before)
	}
}

// TestDamagedResume reads again what was kept but cannot be decoded.
func TestDamagedResume(t *testing.T) {
	store := &shelfStore{}
	f := &fake{answer: jobs(5)}
	o := Options{Regions: []string{"eu-west-1"}, Services: []string{"sagemaker"}, Resume: store}
	if _, err := run(t, f, o); err != nil {
		t.Fatal(err)
	}
	for k, b := range store.blobs {
		store.blobs[k] = b[:len(b)/2]
	}
	m, err := run(t, f, o)
	if err != nil || m.types["AWS::SageMaker::TrainingJob"] != 5 {
		t.Errorf("err %v, types %v", err, m.types)
	}
}

// FuzzReadKept decodes any blob without a panic.
func FuzzReadKept(f *testing.F) {
	f.Add([]byte("x"))
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x00, 0x01, 0x00, 0x00})
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = readKept(b) })
}

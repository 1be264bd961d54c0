package assess

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sevenfold-sec/sevenfold/collect/aws/queue"
	"github.com/sevenfold-sec/sevenfold/test/moto"
)

// What S3 tells a queue of is taken in once; messages and objects that hold nothing are kept
// apart with the reason and leave the queue; of an object that cannot be read the message
// stays.
func TestObjectsOfAQueue(t *testing.T) {
	m := moto.Start(t)
	for _, kv := range m.Env() {
		k, v, _ := strings.Cut(kv, "=")
		t.Setenv(k, v)
	}
	t.Setenv("AWS_REGION", "eu-west-1")
	sqs := func(operation string, params map[string]any) (reply map[string]any) {
		body, _ := json.Marshal(params)
		_, answer := moto.Ask(t, http.MethodPost, m.URL+"/", "sqs", string(body), "X-Amz-Target", "AmazonSQS."+operation, "Content-Type", "application/x-amz-json-1.0")
		_ = json.Unmarshal([]byte(answer), &reply)
		return reply
	}
	address := sqs("CreateQueue", map[string]any{"QueueName": "trail"})["QueueUrl"].(string)
	address = m.URL + address[strings.Index(address[8:], "/")+8:]
	moto.Ask(t, http.MethodPut, m.URL+"/trail", "s3", `<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint></CreateBucketConfiguration>`)
	moto.Ask(t, http.MethodPut, m.URL+"/trail?notification", "s3", `<NotificationConfiguration><QueueConfiguration><Id>1</Id><Queue>arn:aws:sqs:eu-west-1:123456789012:trail</Queue><Event>s3:ObjectCreated:*</Event></QueueConfiguration></NotificationConfiguration>`)
	at := time.Now().UTC().Format(time.RFC3339)
	packed := func(text string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write([]byte(text))
		_ = z.Close()
		return b.String()
	}
	file := packed(`{"Records":[` + trailRecord("e1", "InvokeModel", at) + `,` + trailRecord("e2", "InvokeModel", at) + `]}`)
	moto.Ask(t, http.MethodPut, m.URL+"/trail/AWSLogs/one.json.gz", "s3", file)
	moto.Ask(t, http.MethodPut, m.URL+"/trail/AWSLogs/again.json.gz", "s3", file)
	moto.Ask(t, http.MethodPut, m.URL+"/trail/AWSLogs/a+b.json", "s3", trailRecord("e3", "InvokeModel", at))
	moto.Ask(t, http.MethodPut, m.URL+"/trail/AWSLogs/cut.json.gz", "s3", file[:len(file)/2])
	moto.Ask(t, http.MethodPut, m.URL+"/trail/AWSLogs/empty.json", "s3", "")
	sqs("SendMessage", map[string]any{"QueueUrl": address, "MessageBody": "rubbish"})
	sqs("SendMessage", map[string]any{"QueueUrl": address, "MessageBody": `{"s3Bucket":"trail","s3ObjectKey":["AWSLogs/gone.json"]}`})

	q, err := queue.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var told []string
	r, _ := running(t, emptyState(t), RunOptions{Dir: t.TempDir(), Trouble: func(s string) { mu.Lock(); told = append(told, s); mu.Unlock() }})
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { r.FromQueue(ctx, q) })
	defer wg.Wait()
	defer stop()
	left := func() string {
		a := sqs("GetQueueAttributes", map[string]any{"QueueUrl": address, "AttributeNames": []string{"All"}})["Attributes"].(map[string]any)
		return fmt.Sprint(a["ApproximateNumberOfMessages"], " ", a["ApproximateNumberOfMessagesNotVisible"])
	}
	heard := func() int { mu.Lock(); defer mu.Unlock(); return len(told) }
	for until := time.Now().Add(3 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		// A message is out of sight before what is wrong with it is told.
		if events, duplicates, rejected := r.Totals(); events == 3 && duplicates == 2 && rejected >= 3 && left() == "0 1" && heard() > 0 {
			break
		}
		if time.Now().After(until) {
			events, duplicates, rejected := r.Totals()
			t.Fatalf("%d events, %d that came twice, %d rejected: %s; in the queue %s; told %q", events, duplicates, rejected, r.Unread(), left(), told)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(told) != 1 || !strings.Contains(told[0], "gone.json") {
		t.Errorf("told %q", told)
	}
}

func TestAddressesOfQueues(t *testing.T) {
	for _, bad := range []string{"", "trail", "https://sqs.eu-west-1.amazonaws.com/", "ftp://x/1/q", "https://x/1/2/3"} {
		if _, err := queue.Open(t.Context(), bad); err == nil {
			t.Errorf("%q is the address of a queue", bad)
		}
	}
}

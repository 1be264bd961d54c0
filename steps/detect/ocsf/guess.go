package ocsf

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf/cursor"
)

// errUnwrapped says that a record was an envelope, and what was in it waits to
// be read.
var errUnwrapped = errors.New("an envelope")

// one reads a whole record, whatever it is.
func (r *Reader) one(raw []byte, offset int64, e *Event) error {
	if r.o.Mapping != nil {
		_, err := r.o.Mapping.t.decode(raw, e, &r.found)
		if err == nil {
			r.fill(e)
		}
		return err
	}
	source, err := r.guess(raw, offset)
	if err != nil {
		return err
	}
	if r.o.Source != SourceUnknown {
		source = r.o.Source
	}
	if source == VPCFlow {
		if err := r.flow.decode(string(raw), e); errors.Is(err, errNoData) {
			r.empty++
			return errUnwrapped
		} else if err != nil {
			return fmt.Errorf("%s: %w", source, err)
		}
		r.fill(e)
		return nil
	}
	if source == SourceUnknown {
		return errors.New("JSON of a format that is not known; a mapping says how to read it")
	}
	end, err := r.decode(source, raw, e)
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	rest := cursor.New(raw[end:])
	if !rest.End() {
		return rest.Err()
	}
	r.fill(e)
	if len(r.inner) == 0 {
		r.last = source
	}
	return nil
}

// decode reads the record b begins with as that of a source.
func (r *Reader) decode(source Source, b []byte, e *Event) (end int, err error) {
	switch source {
	case CloudTrail:
		return decodeCloudTrail(b, e)
	case GenAISpan:
		return decodeSpan(b, e, &r.found)
	case Mapped:
		return r.o.Mapping.t.decode(b, e, &r.found)
	}
	t := tables[source]
	if t == nil {
		return 0, fmt.Errorf("%s is no format of JSON", source)
	}
	return t.decode(b, e, &r.found)
}

// signs are the first-level members by which a record is told.
var signs = map[string]Source{
	"auditID": KubernetesAudit, "schemaType": BedrockInvocation, "captureData": SageMakerCapture, "protoPayload": GCPAudit,
	"spanId": GenAISpan, "call_type": LiteLLM, "response_code": EnvoyAI, "operationName": AzureActivity, "OperationNameValue": AzureActivity,
	"appDisplayName": AzureSignIn, "UserPrincipalName": AzureSignIn, "ServicePrincipalName": AzureSignIn,
}

// noActs are the first-level members of records that a trail's bucket holds beside events
// and that tell of no act: digests of its files, and what CloudTrail Insights counted.
var noActs = map[string]bool{"digestS3Object": true, "insightDetails": true}

// guess tells a record's source by its first-level members; an envelope's
// content is put aside to be read next.
func (r *Reader) guess(raw []byte, offset int64) (Source, error) {
	c := cursor.New(raw)
	source := SourceUnknown
	var content []byte
	var detailType, noAct bool
	fields(&c, func(name string) {
		switch name {
		case "eventName":
			if c.Peek() == '"' { // the Activity log's is an object
				source = CloudTrail
			}
			c.Skip()
		case "detail-type":
			detailType = true
			c.Skip()
		case "detail", "eventData":
			content = c.Raw()
		case "CloudTrailEvent", "message", "eventJson":
			if c.Peek() == '"' {
				if text := c.String(); strings.HasPrefix(text, "{") {
					content = []byte(text)
				} else if len(strings.Fields(text)) == len(r.flow.columns) {
					content = []byte(text) // a flow log's line in CloudWatch's wrapping
				}
				return
			}
			if c.Peek() == '{' && name == "message" { // Pub/Sub's, as it pushes and as its client prints it
				content = pubSubData(&c)
				return
			}
			c.Skip()
		case "category", "Category", "Type":
			if strings.Contains(strings.ToLower(c.Text()), "signinlogs") {
				source = AzureSignIn
			}
		default:
			if s, ok := signs[name]; ok && source == SourceUnknown {
				source = s
			}
			noAct = noAct || noActs[name]
			c.Skip()
		}
	})
	if err := c.Err(); err != nil {
		if len(raw) > 0 && raw[0] != '{' {
			return VPCFlow, nil
		}
		return source, err
	}
	if noAct && source == SourceUnknown {
		r.empty++
		return SourceUnknown, errUnwrapped
	}
	if content != nil && (source == SourceUnknown || detailType) {
		r.inner = append(r.inner, inner{content, offset})
		return SourceUnknown, errUnwrapped
	}
	return source, nil
}

// pubSubData is what a message of Pub/Sub carries, where that is JSON; else nil.
func pubSubData(c *cursor.Cursor) (data []byte) {
	fields(c, func(name string) {
		if name != "data" {
			c.Skip()
			return
		}
		if plain, err := base64.StdEncoding.DecodeString(c.String()); err == nil && bytes.HasPrefix(plain, []byte("{")) {
			data = plain
		}
	})
	return data
}

// resource takes what an OTLP resource says of all its spans.
func (r *Reader) resource(raw []byte) {
	r.ctx = resource{}
	c := cursor.New(bytes.Clone(raw)) // it is said of records that come later
	fields(&c, func(name string) {
		if name != "attributes" {
			c.Skip()
			return
		}
		attributes(&c, func(key, value string) {
			switch key {
			case "cloud.account.id":
				r.ctx.account = value
			case "cloud.region":
				r.ctx.region = value
			case "service.name":
				r.ctx.service = value
			}
		})
	})
}

// fill puts in what the stream says and the record does not.
func (r *Reader) fill(e *Event) {
	if e.Account == "" {
		e.Account = r.o.Account
	}
	switch e.Source {
	case GenAISpan:
		if e.Account == "" {
			e.Account = r.ctx.account
		}
		if e.Region == "" {
			e.Region = r.ctx.region
		}
		if e.Actor.ID == "" {
			e.Actor = Actor{Type: "service", ID: r.ctx.service}
		}
	case SageMakerCapture:
		if name := captureEndpoint(r.o.Name); name != "" {
			e.AI.Model = name
			e.Resources = []Resource{{ID: name, Type: "AWS::SageMaker::Endpoint"}}
		}
	}
}

// captureEndpoint finds the endpoint's name in an object's key:
// PREFIX/ENDPOINT/VARIANT/yyyy/mm/dd/hh/FILE.jsonl.
func captureEndpoint(name string) string {
	parts := strings.Split(strings.ReplaceAll(name, "\\", "/"), "/")
	for i := 2; i+4 < len(parts); i++ {
		if y, ok := cursor.Int(parts[i]); ok && y > 2000 && y < 10000 && len(parts[i+1]) == 2 && len(parts[i+2]) == 2 && len(parts[i+3]) == 2 {
			return parts[i-2]
		}
	}
	return ""
}

// line reads the next line of a flow log.
func (r *Reader) line(e *Event) (done bool, err error) {
	for {
		have := r.buf[r.at:]
		n := bytes.IndexByte(have, '\n')
		if n < 0 && !r.eof && len(have) <= r.o.MaxEvent {
			r.more()
			continue
		}
		from := r.offset()
		r.from = from
		if n < 0 {
			if len(have) == 0 {
				return true, r.end()
			}
			n = len(have)
			r.at = len(r.buf)
		} else {
			r.at += n + 1
		}
		text := strings.TrimSpace(string(have[:n]))
		if text == "" {
			return false, nil
		}
		if isFlowHeader(text) {
			f, err := parseFlowFormat(text)
			if err != nil {
				return true, r.rejected(from, have[:n], int64(n), err.Error())
			}
			r.flow = f
			return false, nil
		}
		switch err := r.flow.decode(text, e); {
		case errors.Is(err, errNoData):
			r.empty++
			return false, nil
		case err != nil:
			return true, r.rejected(from, have[:n], int64(n), "vpc-flow: "+err.Error())
		}
		r.fill(e)
		return true, nil
	}
}

package ocsf

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/steps/detect/ocsf/cursor"
)

// spanTable reads one span of an OTLP export in JSON whose attributes follow
// OpenTelemetry's semantic conventions for generative AI (1.36; the older
// gen_ai.system and gen_ai.usage.prompt_tokens are read too). Attributes are a
// list of keys and typed values, which paths cannot name: finish reads them.
var spanTable = newTable(GenAISpan, []rule{
	{"time", []string{"startTimeUnixNano"}}, {"action", []string{"name"}}, {"request_id", []string{"traceId"}}, {"error_message", []string{"status.message"}},
}, []string{"traceId", "spanId", "status.code"}, nil)

// decodeSpan reads the span b begins with.
func decodeSpan(b []byte, e *Event, f *cursor.Found) (end int, err error) {
	if end, err = spanTable.decode(b, e, f); err != nil {
		return end, err
	}
	if spanTable.text(f, "spanId") == "" {
		return end, errNot
	}
	e.ID = spanTable.text(f, "traceId") + "/" + spanTable.text(f, "spanId")
	if code := spanTable.text(f, "status.code"); code == "2" || code == "STATUS_CODE_ERROR" {
		e.Failed = true
	}
	c := cursor.New(e.Raw)
	fields(&c, func(name string) {
		if name == "attributes" {
			attributes(&c, func(key, value string) { spanAttribute(e, key, value) })
			return
		}
		c.Skip()
	})
	if e.AI == nil {
		return end, errNot // a span of something else
	}
	e.Class, e.Activity = ClassAPIActivity, ActivityOther
	if e.Service == "" {
		e.Service = e.AI.Provider
	}
	if e.Actor.ID == "" {
		e.Actor.ID = e.Actor.InvokedBy
	}
	return end, nil
}

// attributes gives the attributes of a span or resource as text.
func attributes(c *cursor.Cursor, each func(key, value string)) {
	elems(c, func() {
		var key, value string
		fields(c, func(name string) {
			switch name {
			case "key":
				key = c.String()
			case "value":
				fields(c, func(kind string) {
					switch kind {
					case "stringValue", "intValue", "doubleValue", "boolValue":
						value = c.Text()
					case "arrayValue":
						value = firstOf(c)
					default:
						c.Skip()
					}
				})
			default:
				c.Skip()
			}
		})
		if key != "" {
			each(key, value)
		}
	})
}

// firstOf is the first string of an arrayValue.
func firstOf(c *cursor.Cursor) (first string) {
	fields(c, func(name string) {
		if name != "values" {
			c.Skip()
			return
		}
		elems(c, func() {
			fields(c, func(string) {
				if s := c.Text(); first == "" {
					first = s
				}
			})
		})
	})
	return first
}

func spanAttribute(e *Event, key, value string) {
	if value == "" {
		return
	}
	if strings.HasPrefix(key, "gen_ai.") {
		a := ai(e)
		switch key {
		case "gen_ai.request.model":
			a.Model = value
		case "gen_ai.response.model":
			if a.Model == "" {
				a.Model = value
			}
		case "gen_ai.provider.name", "gen_ai.system":
			a.Provider = value
		case "gen_ai.operation.name":
			a.Operation = value
		case "gen_ai.conversation.id":
			a.Session = value
		case "gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens":
			_ = count(&a.InputTokens, value) // what is no number leaves -1: not said
		case "gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens":
			_ = count(&a.OutputTokens, value)
		case "gen_ai.response.finish_reasons":
			a.Finish = value
		case "gen_ai.tool.name":
			a.Tools = 1
			e.Resources = append(e.Resources, Resource{ID: value, Type: "tool"})
		case "gen_ai.agent.name", "gen_ai.agent.id":
			e.Actor.InvokedBy = value
		}
		return
	}
	switch key {
	case "enduser.id", "user.id":
		e.Actor.ID, e.Actor.Type = value, "user"
	case "client.address":
		e.SourceIP = value
	case "user_agent.original":
		e.UserAgent = value
	case "server.address":
		e.Service = value
	case "error.type":
		e.Failed, e.ErrorCode = true, value
	case "cloud.account.id":
		e.Account = value
	case "cloud.region":
		e.Region = value
	}
}

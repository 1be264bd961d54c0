package wire

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
)

// Refuse writes an error in the shape that the call's protocol gives it.
// Status 0 takes the protocol's usual one for a client's error.
func Refuse(w http.ResponseWriter, c Call, status int, code, message string) {
	const id = "11111111-2222-3333-4444-555555555555"
	proto := "json"
	if c.Operation != "" {
		proto = c.Op.Protocol()
	}
	if status == 0 {
		status = map[string]int{"json": 400}[proto]
		if status == 0 {
			status = 403
		}
	}
	h := w.Header()
	h.Set("X-Amzn-RequestId", id)
	switch proto {
	case "json":
		h.Set("Content-Type", "application/x-amz-json-1.1")
		reply(w, status, object("__type", "com.amazonaws.fault#"+code, "Message", message))
	case "rest-json":
		h.Set("Content-Type", "application/json")
		h.Set("X-Amzn-ErrorType", code+":http://internal.amazon.com/coral/")
		reply(w, status, object("message", message))
	case "ec2":
		h.Set("Content-Type", "text/xml;charset=UTF-8")
		reply(w, status, fmt.Sprintf("<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>%s</RequestID></Response>", code, text(message), id))
	case "rest-xml":
		h.Set("Content-Type", "application/xml")
		reply(w, status, fmt.Sprintf("<Error><Code>%s</Code><Message>%s</Message><RequestId>%s</RequestId></Error>", code, text(message), id))
	default:
		h.Set("Content-Type", "text/xml")
		reply(w, status, fmt.Sprintf("<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>%s</Message></Error><RequestId>%s</RequestId></ErrorResponse>", code, text(message), id))
	}
}

func reply(w http.ResponseWriter, status int, body string) {
	w.WriteHeader(status)
	_, _ = w.Write([]byte(body))
}

func object(kv ...string) string {
	m := map[string]string{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	b, _ := json.Marshal(m)
	return string(b)
}

func text(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s))
	return b.String()
}

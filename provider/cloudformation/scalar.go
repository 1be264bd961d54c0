package cloudformation

import (
	"encoding/json"
	"math"
	"strconv"
)

// scalar converts one value; nil if it does not fit.
func (c *conversion) scalar(v any, code string) any {
	switch code[0] {
	case 'n':
		switch v := v.(type) {
		case json.Number:
			return v
		case string:
			return numeral(v)
		}
		return nil
	case 'b':
		switch v := v.(type) {
		case bool:
			return v
		case string:
			if b, err := strconv.ParseBool(v); err == nil {
				return b
			}
		}
		return nil
	case 'd', 'p':
		return c.document(v)
	}
	switch v := v.(type) {
	case string:
		if v == "" {
			return nil
		}
		return c.document(v)
	case bool, json.Number:
		return scalarText(v)
	case map[string]any:
		if v["Statement"] != nil { // a policy: the live reader opens it, too
			return c.document(v)
		}
	}
	return nil
}

// numeral reads a number that is written as a text, and spells it as JSON does;
// nil if it is none.
func numeral(s string) any {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return json.Number(strconv.FormatInt(n, 10))
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return nil
	}
	return json.Number(strconv.FormatFloat(f, 'f', -1, 64))
}

// jsonInt is a number as JSON spells it.
func jsonInt(n int) json.Number { return json.Number(strconv.Itoa(n)) }

func scalarText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return v.String()
	case int:
		return strconv.Itoa(v)
	}
	return ""
}

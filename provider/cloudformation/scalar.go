package cloudformation

import (
	"encoding/json"
	"strconv"

	"github.com/sevenfold-sec/sevenfold/estate/unborn"
)

// scalar converts one value; nil if it does not fit.
func (c *conversion) scalar(v any, code string) any {
	switch code[0] {
	case 'n':
		return unborn.Number(v)
	case 'b':
		return unborn.Truth(v)
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
		return unborn.Text(v)
	case map[string]any:
		if v["Statement"] != nil { // a policy: the live reader opens it, too
			return c.document(v)
		}
	}
	return nil
}

// jsonInt is a number as JSON spells it.
func jsonInt(n int) json.Number { return json.Number(strconv.Itoa(n)) }

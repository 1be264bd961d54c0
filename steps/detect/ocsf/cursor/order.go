package cursor

// Order is the names of an object's members, in the order in which they are mostly
// written: what comes next is then recognised by one comparison, without looking for
// where its name ends.
type Order struct{ tokens []string }

// NewOrder makes an order of names that need no escapes.
func NewOrder(names ...string) *Order {
	o := &Order{}
	for _, n := range names {
		o.tokens = append(o.tokens, `"`+n+`":`)
	}
	return o
}

// lookAhead is how many of the names may be left out at a time.
const lookAhead = 4

// index is the place of a name, -1 if it has none.
func (o *Order) index(name string) int {
	for i, t := range o.tokens {
		if t[1:len(t)-2] == name {
			return i
		}
	}
	return -1
}

// Member is Field for an object whose members mostly come in an order: it returns the
// name's place there, -1 for a name that has none. at is where in the order the object
// is, 0 to begin with. Members may come in any order all the same.
func (c *Cursor) Member(o *Order, at *int) (which int, ok bool) {
	b, i := c.b, c.i
	if c.why == "" && i < len(b) && (c.fresh || b[i] == ',') {
		if !c.fresh {
			i++
		}
		for n := *at; n < len(o.tokens) && n < *at+lookAhead; n++ {
			t := o.tokens[n]
			if end := i + len(t); end <= len(b) && b[end-1] == ':' && string(b[i:end]) == t {
				c.i, c.fresh = end, false
				*at = n + 1
				return n, true
			}
		}
	}
	name, ok := c.Field()
	if !ok {
		return -1, false
	}
	if which = o.index(name); which >= 0 {
		*at = which + 1
	}
	return which, true
}

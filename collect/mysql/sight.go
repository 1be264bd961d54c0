package mysql

import (
	"context"
	"strings"
)

// sight is what the user is shown: a server lists only what an account has some right
// to, and says nothing of the rest.
type sight struct {
	databases bool     // every database is listed
	all       bool     // every table of every database
	whole     []string // patterns of databases whose tables are all listed
	revoked   []string // names of databases taken out of the above
}

// Hidden is why a database may have tables that were not listed; empty where the user
// is shown all of them.
func (r *Reader) Hidden(ctx context.Context, schema string) (string, error) {
	s, err := r.sight(ctx)
	if err != nil || s.sees(schema) {
		return "", err
	}
	return "the user has rights to single tables or columns of it: those that it may not read are not listed (hint: GRANT SELECT ON the whole database, for the time of the scan)", nil
}

// Schemas are the databases that are read.
func (r *Reader) Schemas(ctx context.Context) ([]string, error) {
	if r.schema != "" {
		return []string{r.schema}, nil
	}
	return r.databases(ctx)
}

func (r *Reader) sight(ctx context.Context) (*sight, error) {
	if r.seen != nil {
		return r.seen, nil
	}
	const what = "the user's rights cannot be listed"
	show := "SHOW GRANTS"
	// MySQL tells a role's rights only when asked for it; MariaDB at once.
	if roles, err := r.strings(ctx, what, "SELECT COALESCE(CURRENT_ROLE(), 'NONE')"); err == nil && len(roles) == 1 && strings.HasPrefix(roles[0], "`") {
		show = "SHOW GRANTS FOR CURRENT_USER() USING " + roles[0]
	}
	lines, err := r.strings(ctx, what, show)
	if err != nil {
		return nil, err
	}
	r.seen = &sight{}
	for _, l := range lines {
		r.seen.add(l)
	}
	return r.seen, nil
}

// add takes one line of SHOW GRANTS.
func (s *sight) add(line string) {
	verb, rest, _ := strings.Cut(line, " ")
	rights, on, ok := strings.Cut(rest, " ON ")
	if !ok { // a role, or a proxy
		return
	}
	var reads, shows bool
	for _, p := range strings.Split(rights, ",") {
		switch strings.TrimSpace(p) { // a right to columns has them in brackets after it
		case "ALL PRIVILEGES", "ALL":
			reads, shows = true, true
		case "SELECT":
			reads = true
		case "SHOW DATABASES":
			shows = true
		}
	}
	global := strings.HasPrefix(on, "*.* ")
	database, isDatabase := databaseOf(on)
	switch {
	case verb == "GRANT" && global:
		s.all, s.databases = s.all || reads, s.databases || reads || shows
	case verb == "GRANT" && isDatabase && reads:
		s.whole = append(s.whole, database)
	case verb == "REVOKE" && isDatabase && reads:
		s.revoked = append(s.revoked, database)
	}
}

// databaseOf is the pattern in `PATTERN`.*.
func databaseOf(on string) (string, bool) {
	if !strings.HasPrefix(on, "`") {
		return "", false
	}
	var b strings.Builder
	for i := 1; i < len(on); i++ {
		if on[i] == '`' {
			if i+1 < len(on) && on[i+1] == '`' {
				i++
			} else {
				return b.String(), strings.HasPrefix(on[i+1:], ".* ")
			}
		}
		b.WriteByte(on[i])
	}
	return "", false
}

func (s *sight) sees(schema string) bool {
	for _, p := range s.revoked {
		if like(p, schema) {
			return false
		}
	}
	if s.all {
		return true
	}
	for _, p := range s.whole {
		if like(p, schema) {
			return true
		}
	}
	return false
}

// like matches a grant's pattern: _ is any character, % any number of them, and a
// backslash takes the meaning from either.
func like(pattern, s string) bool {
	// at[i] says that the pattern so far matches the first i bytes.
	at := make([]bool, len(s)+1)
	at[0] = true
	for p := 0; p < len(pattern); p++ {
		c, plain := pattern[p], false
		if c == '\\' && p+1 < len(pattern) {
			p++
			c, plain = pattern[p], true
		}
		if c == '%' && !plain {
			for i := 1; i <= len(s); i++ {
				at[i] = at[i] || at[i-1]
			}
			continue
		}
		for i := len(s); i > 0; i-- {
			at[i] = at[i-1] && (s[i-1] == c || c == '_' && !plain)
		}
		at[0] = false
	}
	return at[len(s)]
}

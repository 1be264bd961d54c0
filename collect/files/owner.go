package files

import (
	"bytes"
	"encoding/json"
	"path"
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate/source"
)

// owner finds whose exports a folder holds, where neither options nor paths
// say: a reply of sts get-caller-identity speaks for its folder; else the one
// account that all ARNs and OwnerId members agree on speaks for everything.
type owner struct {
	identity map[string]string // folder -> account
	accounts map[string]bool
	regions  map[string]bool
}

// The first pass reads the head of each file only, and not more than this in
// all: it looks for agreement, and one disagreeing file is enough to end it.
const (
	headSize  = 256 << 10
	headTotal = 256 << 20
)

func newOwner() *owner {
	return &owner{identity: map[string]string{}, accounts: map[string]bool{}, regions: map[string]bool{}}
}

// look takes the head of one file into account.
func (o *owner) look(name string, head []byte) {
	if account := callerIdentity(head); account != "" {
		dir := path.Dir(name)
		if path.Base(dir) == "sts" {
			dir = path.Dir(dir)
		}
		if _, ok := o.identity[dir]; !ok {
			o.identity[dir] = account
		}
	}
	o.arns(head)
	o.ownerIDs(head)
}

// callerIdentity reads the reply of sts get-caller-identity.
func callerIdentity(head []byte) string {
	if len(head) > 4096 || !bytes.Contains(head, []byte(`"UserId"`)) {
		return ""
	}
	var reply struct{ UserId, Account, Arn string }
	if json.Unmarshal(head, &reply) != nil || reply.Arn == "" || !isAccount(reply.Account) {
		return ""
	}
	return reply.Account
}

// arns notes account and region of every ARN in text.
func (o *owner) arns(text []byte) {
	for {
		i := bytes.Index(text, []byte("arn:aws"))
		if i < 0 {
			return
		}
		text = text[i+len("arn:aws"):]
		// partition rest : service : region : account :
		parts := bytes.SplitN(text[:min(len(text), 120)], []byte{':'}, 5)
		if len(parts) < 5 {
			continue
		}
		if region := string(parts[2]); source.IsRegion(region) {
			o.regions[region] = true
		}
		if account := string(parts[3]); isAccount(account) {
			o.accounts[account] = true
		}
	}
}

// ownerIDs notes "OwnerId": "123456789012".
func (o *owner) ownerIDs(text []byte) {
	for {
		i := bytes.Index(text, []byte(`"OwnerId"`))
		if i < 0 {
			return
		}
		text = text[i+len(`"OwnerId"`):]
		v := bytes.TrimLeft(text[:min(len(text), 32)], " \t\r\n:")
		if len(v) > 13 && v[0] == '"' && v[13] == '"' && isAccount(string(v[1:13])) {
			o.accounts[string(v[1:13])] = true
		}
	}
}

// of says account and region of one file; empty where nothing does.
func (o *owner) of(name string, opts Options) (account, region string) {
	account, region = opts.Account, opts.Region
	pathAccount, pathRegion := fromPath(name)
	if account == "" {
		account = pathAccount
	}
	if region == "" {
		region = pathRegion
	}
	if account == "" {
		account = o.identityOf(name)
	}
	if account == "" && len(o.identity) == 0 {
		account = only(o.accounts)
	}
	if region == "" {
		region = only(o.regions)
	}
	return account, region
}

// fromPath reads the folders of a path: a 12-digit one is an account, one
// spelt like a region is a region; the innermost wins.
func fromPath(name string) (account, region string) {
	for part := range strings.SplitSeq(path.Dir(name), "/") {
		switch {
		case isAccount(part):
			account = part
		case source.IsRegion(part) && knownGeography[part[:strings.IndexByte(part, '-')]]:
			region = part
		}
	}
	return account, region
}

// knownGeography holds the first part of every region's name: a folder called
// "team-blue-1" is no region.
var knownGeography = map[string]bool{
	"us": true, "eu": true, "ap": true, "sa": true, "ca": true, "me": true, "af": true, "cn": true, "il": true, "mx": true,
	"eusc": true,
}

// identityOf walks up from a file to the nearest folder whose identity is known.
func (o *owner) identityOf(name string) string {
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if account, ok := o.identity[dir]; ok {
			return account
		}
		if dir == "." || dir == "/" {
			return ""
		}
	}
}

func only(set map[string]bool) string {
	if len(set) != 1 {
		return ""
	}
	for v := range set {
		return v
	}
	return ""
}

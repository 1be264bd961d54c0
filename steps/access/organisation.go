package access

import (
	"strings"

	"github.com/sevenfold-sec/sevenfold/estate"
	"github.com/sevenfold-sec/sevenfold/provider/aws"
)

const (
	controlPolicyType = "AWS::Organizations::Policy"
	// fullAccess is the service control policy that AWS itself manages and that
	// is known by name even where nobody exported it.
	fullAccess = "/p-FullAWSAccess"
)

// organisation finds what the organisation's policies name of an account's
// objects: there what its identities may do may change.
func (v *view) organisation(account string) *given {
	if known, ok := v.orders[account]; ok {
		return known
	}
	o := &given{}
	v.orders[account] = o
	for _, n := range rungsOf(v.snap, account) {
		for e := range v.snap.In(n) {
			if e.Type != estate.Governs || v.snap.Asset(e.Node).Type != controlPolicyType {
				continue
			}
			statements := v.ordersOf(e.Node)
			for i := range statements {
				v.edges(o, &statements[i], account)
			}
		}
	}
	return o
}

// ordersOf reads the statements of an organisation's policy. What of them cannot
// be read the engine says.
func (v *view) ordersOf(n estate.Node) (statements []aws.Statement) {
	a := *v.snap.Asset(n)
	if strings.HasSuffix(a.ID, fullAccess) {
		return nil
	}
	config, err := v.snap.Config(n)
	if err != nil {
		return nil
	}
	a.Config = config
	policies, _ := aws.Policies(&a)
	for _, p := range policies {
		statements = append(statements, p.Statements...)
	}
	return statements
}

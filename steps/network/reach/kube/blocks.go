package kube

import "github.com/sevenfold-sec/sevenfold/steps/network/reach"

// Blocks calls do with each set of addresses that a rule of a policy names: where one
// begins or ends, addresses may have other answers.
func (e *Engine) Blocks(do func(reach.Addrs)) {
	for _, c := range e.policies {
		c.policy.eachPeer(func(q *peer) {
			if q.addrs != nil {
				do(*q.addrs)
			}
		})
	}
}

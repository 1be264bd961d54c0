package iam

import "strings"

// fixing are the condition keys by which S3 takes a statement for everyone as
// not public, if their values are fixed. Source: S3 User Guide, "The meaning of
// public".
var fixing = map[string]bool{
	"aws:sourcearn": true, "aws:sourcevpc": true, "aws:sourcevpce": true, "aws:sourceowner": true,
	"aws:sourceaccount": true, "aws:userid": true, "s3:x-amz-server-side-encryption-aws-kms-key-id": true,
	"aws:principalorgid": true, "aws:principalarn": true, "aws:principalaccount": true,
	"s3:dataaccesspointarn": true, "s3:dataaccesspointaccount": true, "aws:sourceip": true,
}

// public reports whether S3 takes a bucket's policy for public: some statement
// allows everyone and no condition fixes who that is.
func (p *Policy) public() bool {
	if p == nil {
		return false
	}
	for i := range p.Statements {
		s := &p.Statements[i]
		if s.Deny || s.wrong != "" || !s.principals.everyone && !s.principals.not {
			continue
		}
		if !s.fixed() {
			return true
		}
	}
	return false
}

func (s *Statement) fixed() bool {
	for i := range s.conditions {
		a := &s.conditions[i]
		_, name, _ := strings.Cut(lower(a.text), " ")
		if !fixing[name] || a.not || a.ifExists || a.wrong != "" || a.ask == absent || a.ask == allIn {
			continue
		}
		wide := len(a.values.vars) > 0
		for _, v := range a.values.strings {
			wide = wide || v.shape != exact
		}
		for _, p := range a.values.prefixes {
			wide = wide || p.Bits() == 0
		}
		if !wide {
			return true
		}
	}
	return false
}

// Package iam decides AWS authorization requests exactly: identity, resource,
// session and boundary policies, service and resource control policies,
// explicit denies, every condition operator, policy variables, trust and the
// services that decide in their own way (KMS, S3, role trust).
//
// It answers for all requests and not for examples. A request may leave
// condition keys open, and its action and resource may be patterns; the answer
// is then Allow or Deny if every completion ends so, and Conditional, with a
// witness, if some are allowed and some are not. A condition is so never taken
// for met, nor for unmet. What was not read or not understood is an open truth
// value of its own: the answer is Unknown exactly if it hangs on one.
//
// The rules are those of the AWS IAM User Guide, chapters "Policy evaluation
// logic", "IAM JSON policy elements reference" and "AWS global condition
// context keys", and of AWS Organizations' chapters on service and resource
// control policies.
//
// The package imports nothing of sevenfold and reads nothing from outside: the
// caller fills a World with accounts, principals, policies and resources, and
// asks it. A filled World may be asked from many goroutines at once.
package iam

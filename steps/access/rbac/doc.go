// Package rbac decides what Kubernetes' role-based access control lets whom do,
// and by which ways somebody may become more than he is.
//
// Decisions are those of the API server's own RBAC authorizer: a request is
// allowed if one rule of one role that a binding gives to its user, or to one of
// its user's groups, names the verb, the API group, the resource with its
// subresource, and the name. Nothing refuses. A request may leave its parts open
// by patterns ("*" stands for any text); the answer is then Allow or Deny if
// every completion ends so, and Conditional, with a witness, if some are allowed
// and some are not. What was not read is an open truth of its own: an answer
// that hangs on it is Unknown, with the reason.
//
// RBAC is not the only voice in a cluster. Members of system:masters may do
// everything, which is decided here. The node authorizer speaks for kubelets,
// and webhooks may be asked: neither can be read from a cluster's objects, so
// that both are named as limits of an answer (Answer.Assumed) and a node's denial
// is Unknown. Admission (policies, webhooks, Pod Security) comes after all of
// them; of it the Pod Security level that a namespace enforces is weighed where a
// way leads through a privileged pod.
//
// The rules followed are those of the Kubernetes documentation, "Using RBAC
// Authorization", "User impersonation", "RBAC Good Practices", "Pod Security
// Standards" and "Certificate Signing Requests".
//
// The package imports nothing of sevenfold and reads nothing from outside: the
// caller adds the cluster's objects to a World, seals it, and asks it. A sealed
// World may be asked from many goroutines at once.
package rbac
